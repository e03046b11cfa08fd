package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
)

// TestUpRefusesWhatIsNoCheckpointInOneLine, before it starts a process.
func TestUpRefusesWhatIsNoCheckpointInOneLine(t *testing.T) {
	gguf := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(gguf, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]string{
		gguf:                           "hachi model import " + gguf + " DIR",
		"mistralai/Mixtral-8x7B-v0.1":  "hf download mistralai/Mixtral-8x7B-v0.1",
		filepath.Join(t.TempDir(), ""): "an empty directory",
	} {
		data := filepath.Join(t.TempDir(), "data")
		status, said := runRole(t, "up", "--model", model, "--data-dir", data, "--listen", "127.0.0.1:1")
		if status != local.ExitConfigError || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("--model %s: exit status %d, said %q, want one line with %q", model, status, said, want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("--model %s: something was started", model)
		}
	}
}
