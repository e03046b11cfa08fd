package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/rpc"
)

func TestBenchRPC(t *testing.T) {
	t.Setenv(runEnv, "1") // of the children
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs([]string{"bench", "rpc", "--payload", "8", "--fan-out", "1,2", "--sequential", "1", "--pin", "none", "--rounds", "1", "--span", "5ms", "--json"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var report rpc.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 6 {
		t.Errorf("%d results of 2 shapes, want 6: %s", len(report.Results), &out)
	}
}
