package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
)

// TestBenchCluster measures every way, and with it compares their logits.
func TestBenchCluster(t *testing.T) {
	t.Setenv(runEnv, "1") // of the children
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs([]string{"bench", "cluster", "--model", tinyDir, "--nodes", "2", "--listen", freeAddress(t), "--sequences", "1,8", "--steps", "2", "--rounds", "1", "--json"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var report cluster.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 6 {
		t.Fatalf("%d results of 2 numbers of sequences, want 6: %s", len(report.Results), &out)
	}
	for _, r := range report.Results {
		if !(r.TokensPerS > 0) || !(r.ToWhole > 0) {
			t.Errorf("%+v: want a rate and a ratio", r)
		}
	}
}
