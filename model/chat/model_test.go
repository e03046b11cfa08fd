package chat

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/model/tokenizer"
)

func writeModel(t *testing.T, dir string) {
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
}
