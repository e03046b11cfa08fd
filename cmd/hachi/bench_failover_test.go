package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/failover"
)

// TestBenchFailoverDelay: late answers change no token, and a router that waits
// for them feels them.
func TestBenchFailoverDelay(t *testing.T) {
	t.Setenv(runEnv, "1") // of the children
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs([]string{"bench", "failover", "--fault", "delay", "--model", tinyDir, "--nodes", "2", "--listen", freeAddress(t),
		"--streams", "4", "--tokens", "32", "--repeat", "1", "--late-share", "0.05", "--late-by", "100ms", "--json"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var report failover.DelayReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if report.Patient.Max < 100 {
		t.Errorf("no token waited for an answer that is 100 ms late: %s", &out)
	}
}
