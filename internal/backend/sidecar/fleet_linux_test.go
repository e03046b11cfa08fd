package sidecar_test

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/sidecar"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/moe"
)

// TestHelpersDivideTheExperts: three helpers have the bits of one, and the death of one
// takes its experts only.
func TestHelpersDivideTheExperts(t *testing.T) {
	one := newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t)}), 200)
	one.served(t)
	r := newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t), SidecarHelpers: 3}), 200)
	r.served(t)
	if !bytes.Equal(r.want, one.want) {
		t.Error("three helpers have other bits than one")
	}
	pids := map[int]bool{sidecar.PID(r.Experts, 0): true, sidecar.PID(r.Experts, 1): true, sidecar.PID(r.Experts, 2): true}
	if len(pids) != 3 {
		t.Fatalf("helpers %v", pids)
	}
	if err := syscall.Kill(sidecar.PID(r.Experts, 0), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var down []int
	eventually.True(t, "a call of one expert fails", func() bool {
		down = nil
		for expert := range 3 {
			err := r.Run(t.Context(), 0, []moe.Group{{Expert: expert, Index: []int32{0}}}, r.x, make([]byte, 2*hidden))
			if err != nil && moe.KindOf(err) != moe.Unreachable {
				t.Fatal(err)
			}
			if err != nil {
				down = append(down, expert)
			}
		}
		return len(down) > 0
	})
	if len(down) != 1 {
		t.Errorf("experts %v are away, want one", down)
	}
	r.served(t)
}
