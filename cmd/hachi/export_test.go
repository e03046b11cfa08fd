//go:build !nomini

package main

import (
	"os"
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

func TestExportIfAbsentKeepsTheModelThatIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mini")
	export := func() error {
		_, _, err := execute(t, "model", "export", "mini", dir, "--if-absent")
		return err
	}
	for range 2 {
		if err := export(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := export(); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("export over another model: error %v", err)
	}
}

func TestExportKnowsOneModel(t *testing.T) {
	if _, _, err := execute(t, "model", "export", "maxi", t.TempDir()); err == nil || !strings.Contains(err.Error(), "only mini") {
		t.Errorf("error %v", err)
	}
}
