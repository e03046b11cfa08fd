//go:build !nomini

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

func TestExportWritesTheModelThatIsServed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mini")
	if _, _, err := execute(t, "model", "export", "mini", dir); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"tokenizer.model", "tokenizer_config.json", "generation_config.json"} {
		if found, err := filepath.Glob(filepath.Join(dir, name)); err != nil || len(found) != 1 {
			t.Errorf("%s is not exported", name)
		}
	}
	if _, _, err := execute(t, "model", "export", "mini", dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("export to a directory in use: error %v", err)
	}
}

func TestExportKnowsOneModel(t *testing.T) {
	if _, _, err := execute(t, "model", "export", "maxi", t.TempDir()); err == nil || !strings.Contains(err.Error(), "only mini") {
		t.Errorf("error %v", err)
	}
}
