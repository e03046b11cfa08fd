package cputime

import (
	"os"
	"testing"
)

// TestWorkTakesCPUTime: this process has more of it after work than before.
func TestWorkTakesCPUTime(t *testing.T) {
	before, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	x := 1.0
	for after := before; after < before+2.0/ticks; {
		for range 1 << 16 {
			x = x*1.0000001 + 1e-9
		}
		if after, err = Of(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if x == 0 {
		t.Error(x)
	}
	if _, err := Of(-1); err == nil {
		t.Error("a process that is not there has CPU time")
	}
}
