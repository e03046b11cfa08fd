package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestEveryDeathOfANodeIsPrinted, and a child that fails at its start again and again
// prints ever fewer lines.
func TestEveryDeathOfANodeIsPrinted(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: &out}
	killed := local.ChildEvent{Name: "expert-1", Ran: time.Minute, Err: errors.New("expert-1 ended: signal: killed")}
	for range 3 {
		p.child(killed)
	}
	if n := strings.Count(out.String(), "expert-1 ended: signal: killed; it is started again\n"); n != 3 {
		t.Errorf("%d lines of 3 deaths:\n%s", n, &out)
	}
	out.Reset()
	killed.Ran = time.Second
	for range 99 {
		p.child(killed)
	}
	if n := strings.Count(out.String(), "\n"); n != 6 || !strings.Contains(out.String(), "started again (64 times in a row)\n") {
		t.Errorf("%d lines of 99 quick deaths:\n%s", n, &out)
	}
}
