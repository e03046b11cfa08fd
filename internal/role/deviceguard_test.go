package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/backend/reference"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/mini"
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
	e := guardedExperts{b, g}
	if err := e.Run(ctx, 0, nil, nil, nil); !errors.Is(err, b.err) || ctx.Err() != nil {
		t.Fatalf("another fault: %v, context %v", err, ctx.Err())
	}
	b.err = &backend.LostError{Device: "device 3", Err: errors.New("Xid 79")}
	for range 2 {
		if err := e.Run(ctx, 0, nil, nil, nil); moe.KindOf(err) != moe.Draining {
			t.Errorf("a call: %v, want that the node leaves", err)
		}
		if err := e.Load(ctx, moe.ExpertID{}, model.ExpertWeights{}); moe.KindOf(err) != moe.Draining {
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

// mortal is a device that fails without a call.
type mortal struct{ failed chan *backend.LostError }

func (m mortal) Failed() <-chan *backend.LostError { return m.failed }

// TestANodeEndsWithItsDevice, which no router calls; a process that is stopped ends without
// a word about its device.
func TestANodeEndsWithItsDevice(t *testing.T) {
	var log logtest.Log
	reason, other := errors.New("the chip is gone"), errors.New("left")
	d := mortal{failed: make(chan *backend.LostError, 1)}
	ctx, g := guardDevice(t.Context(), d, log.Logger())
	if err := ctx.Err(); err != nil {
		t.Fatal(err)
	}
	d.failed <- &backend.LostError{Device: "helper 2", Err: reason}
	<-ctx.Done()
	if err := g.end(other); !errors.Is(err, reason) || !errors.Is(err, other) || log.Count("device is lost, leaving") != 1 {
		t.Errorf("%v, want both reasons; the log:\n%s", err, log.String())
	}
	for _, computes := range []any{d, struct{}{}} {
		outer, stop := context.WithCancel(t.Context())
		ctx, g = guardDevice(outer, computes, log.Logger())
		stop()
		<-ctx.Done()
		if err := errors.Join(g.check(nil), g.end(nil)); err != nil {
			t.Errorf("a process that was stopped: %v", err)
		}
	}
}

// forwards is a model whose steps fail with an error.
type forwards struct {
	engine.Model
	err error
}

func (f forwards) Forward(context.Context, *model.Batch, tensor.Matrix) error { return f.err }

// TestARouterWhoseDeviceIsLostLeaves: another router computes its steps.
func TestARouterWhoseDeviceIsLostLeaves(t *testing.T) {
	dir := t.TempDir()
	if err := mini.Write(dir); err != nil {
		t.Fatal(err)
	}
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	ctx, weights, stop := guardWeights(t.Context(), ckpt, slog.New(slog.DiscardHandler))
	defer stop()
	ctx, g := guardDevice(ctx, nil, slog.New(slog.DiscardHandler))
	lost := &backend.LostError{Device: "device 0", Err: errors.New("Xid 79")}
	m := guardedModel{Model: forwards{err: fmt.Errorf("attention: %w", lost)}, guard: weights, device: g}
	if err := m.Forward(ctx, nil, tensor.Matrix{}); moe.KindOf(err) != moe.Draining || !errors.Is(context.Cause(ctx), lost) {
		t.Errorf("a step: %v, the context ended with %v", err, context.Cause(ctx))
	}
	if err := g.end(nil); !errors.Is(err, lost) {
		t.Errorf("the process ends with %v", err)
	}
}

func TestAnotherFamilyIsNotComputedUnderItsName(t *testing.T) {
	host, gpu := backend.Info{Family: "cpu"}, backend.Info{Family: "cpu", ExpertFamily: "gpu"}
	wide := backend.Info{Family: "gpu"} // of a device that computes attention too
	for _, tt := range []struct {
		by   backend.Info
		name string
		ok   bool
	}{{host, "", true}, {host, "cpu", true}, {host, "gpu", false}, {gpu, "", true}, {gpu, "gpu", true}, {gpu, "cpu", false},
		{wide, "", true}, {wide, "gpu", true}, {wide, "cpu", false}} {
		if err := (ModelConfig{ExpertFamily: tt.name}).checkFamily(tt.by); (err == nil) != tt.ok {
			t.Errorf("%+v under the name %q: %v", tt.by, tt.name, err)
		}
	}
	// A router on a processor and the nodes that it names have one family.
	if host.FamilyWith("gpu") != gpu.FamilyWith("") || host.FamilyWith("gpu") == host.FamilyWith("") || host.FamilyWith("cpu") != "cpu" {
		t.Errorf("families %q, %q, %q", host.FamilyWith("gpu"), gpu.FamilyWith(""), host.FamilyWith("cpu"))
	}
}

// TestANodeOfAnotherFamilyDoesNotStart, in words that name both.
func TestANodeOfAnotherFamilyDoesNotStart(t *testing.T) {
	for _, b := range []string{"cpu", "reference"} {
		c := DefaultExpertNode()
		c.ID, c.Dir, c.Etcd = "n", t.TempDir(), []string{"127.0.0.1:1"}
		c.Backend, c.Backends, c.ExpertFamily = b, []backend.Backend{cpu.Backend(), reference.Backend()}, "cuda-sm90-k16"
		err := RunExpertNode(t.Context(), c)
		var field *FieldError
		if !errors.As(err, new(*ConfigError)) || !errors.As(err, &field) || field.Field != "model.expertFamily" || !strings.Contains(err.Error(), `"cuda-sm90-k16", but`) {
			t.Errorf("%s: %v, want an error of model.expertFamily", b, err)
		}
	}
}
