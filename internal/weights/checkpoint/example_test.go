package checkpoint_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

// An opened checkpoint is checked whole; its experts are mapped one by one.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	model := filepath.Join(dir, "tiny")
	if err := preset.Write(model, "tiny", 1, nil); err != nil {
		log.Fatal(err)
	}
	c, err := checkpoint.Open(model)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	expert, err := c.MapExpert(moe.ExpertID{Layer: 1, Expert: 7})
	if err != nil {
		log.Fatal(err)
	}
	defer expert.Close()
	fmt.Println(c.Config().Layers, "layers,", c.ExpertBytes(), "bytes an expert")
	// Output: 4 layers, 98304 bytes an expert
}
