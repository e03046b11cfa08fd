package tokenizer_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// The tokenizer of a checkpoint directory.
func Example() {
	dir, err := os.MkdirTemp("", "tokenizer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o644); err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	ids := t.Prompt("Hello, 世界")
	fmt.Println(ids)
	fmt.Println(t.Decode(ids))
	// Output:
	// [1 22557 28725 28705 30050 29822]
	// Hello, 世界
}
