package role

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// brittle is experts whose calls fail with an error.
type brittle struct {
	backend.Experts
	err error
}

func (b *brittle) Run(context.Context, int, []moe.Group, []byte, []byte) error { return b.err }

func (b *brittle) Load(context.Context, moe.ExpertID, model.ExpertWeights) error { return b.err }

// TestANodeWhoseDeviceIsLostLeaves: calls and loads fail as those of a node that
// leaves, the log says so once, and the process ends with the reason.
func TestANodeWhoseDeviceIsLostLeaves(t *testing.T) {
	var log logtest.Log
	b := &brittle{err: errors.New("one call failed")}
	ctx, g := guardDevice(t.Context(), b, log.Logger())
	if err := g.Run(ctx, 0, nil, nil, nil); !errors.Is(err, b.err) || ctx.Err() != nil {
		t.Fatalf("another fault: %v, context %v", err, ctx.Err())
	}
	b.err = &backend.LostError{Device: "device 3", Err: errors.New("Xid 79")}
	for range 2 {
		if err := errors.Join(g.Run(ctx, 0, nil, nil, nil)); moe.KindOf(err) != moe.Draining {
			t.Errorf("a call: %v, want that the node leaves", err)
		}
		if err := g.Load(ctx, moe.ExpertID{}, model.ExpertWeights{}); moe.KindOf(err) != moe.Draining {
			t.Errorf("a load: %v, want that the node leaves", err)
		}
	}
	if ctx.Err() == nil || !errors.Is(context.Cause(ctx), b.err) {
		t.Errorf("the context has ended with %v", context.Cause(ctx))
	}
	if n := log.Count("device is lost, leaving"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
	if err := g.end(nil); err == nil || !strings.Contains(err.Error(), "device 3 is lost: Xid 79") {
		t.Errorf("the process ends with %v", err)
	}
}

func TestAnotherFamilyIsNotComputedUnderItsName(t *testing.T) {
	cpu, gpu := backend.Info{Family: "cpu"}, backend.Info{Family: "cpu", ExpertFamily: "gpu"}
	for _, tt := range []struct {
		by   backend.Info
		name string
		ok   bool
	}{{cpu, "", true}, {cpu, "cpu", true}, {cpu, "gpu", false}, {gpu, "", true}, {gpu, "gpu", true}, {gpu, "cpu", false}} {
		if err := (ModelConfig{ExpertFamily: tt.name}).checkFamily(tt.by); (err == nil) != tt.ok {
			t.Errorf("%+v under the name %q: %v", tt.by, tt.name, err)
		}
	}
	// A router on a processor and the nodes that it names have one family.
	if cpu.FamilyWith("gpu") != gpu.FamilyWith("") || cpu.FamilyWith("gpu") == cpu.FamilyWith("") || cpu.FamilyWith("cpu") != "cpu" {
		t.Errorf("families %q, %q, %q", cpu.FamilyWith("gpu"), gpu.FamilyWith(""), cpu.FamilyWith("cpu"))
	}
}
