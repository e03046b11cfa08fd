package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// watchEvery is the time between looks at weights that nothing computes with.
const watchEvery = 500 * time.Millisecond

// weightsGuard keeps what was computed with weights that have changed from leaving
// the process. A write to a mapped file changes what kernels read, at once and
// without a sign; but the file's times change first. So what was computed before the
// file was found unchanged is right. The process cannot go on without its weights,
// and a restart might take the new ones for the old: only a person can tell.
type weightsGuard struct {
	ckpt  *checkpoint.Checkpoint
	log   *slog.Logger
	leave context.CancelCauseFunc
	fault atomic.Pointer[weightsError]
}

// weightsError says why a process has left.
type weightsError struct{ error }

// guardWeights returns a context that ends when the weights change, and the guard.
// stop must be called.
func guardWeights(ctx context.Context, ckpt *checkpoint.Checkpoint, log *slog.Logger) (_ context.Context, g *weightsGuard, stop func()) {
	g = &weightsGuard{ckpt: ckpt, log: log}
	ctx, g.leave = context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.watch(ctx)
	}()
	return ctx, g, func() {
		g.leave(nil)
		<-watched
	}
}

// watch looks at the weights until ctx ends.
func (g *weightsGuard) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for replaced := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if g.check(nil) != nil {
			return
		}
		if err := g.ckpt.Replaced(); err != nil && !replaced {
			replaced = true
			g.log.Warn("weights were replaced, serving on with the old files", "err", err)
		}
	}
}

// check returns the error of a computation, unless the weights have changed, or it
// read a page that is not there any more: then the process leaves, and the error says
// that another node must compute.
func (g *weightsGuard) check(err error) error {
	lost := g.ckpt.Unchanged()
	if fault := pageFault(err); lost == nil && fault != nil {
		lost = fmt.Errorf("%s: a page of the weights cannot be read: %w", g.ckpt.Dir(), fault)
	}
	if lost == nil && g.fault.Load() == nil {
		return err
	}
	if lost != nil && g.fault.CompareAndSwap(nil, &weightsError{lost}) {
		g.log.Error("weights changed under this process, leaving", "err", lost)
		g.leave(lost)
	}
	return &moe.Error{Op: "compute", Kind: moe.Draining, Err: errWeights}
}

// errWeights is what others hear of it.
var errWeights = errors.New("the weights of this process have changed")

// end is the error of a process that ended with err: the reason why it left comes
// first.
func (g *weightsGuard) end(err error) error {
	if lost := g.fault.Load(); lost != nil {
		return errors.Join(&ConfigError{Err: fmt.Errorf("the weights changed while they were in use: %w: restart this process if they are meant", lost.error)}, err)
	}
	return err
}

// pageFault is the fault of a mapped page that a panic came from; nil is none.
func pageFault(err error) error {
	var p *moe.Panic
	if !errors.As(err, &p) {
		return nil
	}
	fault, ok := p.Value.(interface {
		error
		Addr() uintptr // of runtime.Error after debug.SetPanicOnFault
	})
	if !ok {
		return nil
	}
	return fault
}

// guardedFFN computes experts under a guard.
type guardedFFN struct {
	model.FFN
	guard *weightsGuard
}

// Run implements model.FFN.
func (f guardedFFN) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return f.guard.check(caught("experts", func() error { return f.FFN.Run(ctx, layer, groups, x, y) }))
}

// guardedModel computes steps under guards.
type guardedModel struct {
	engine.Model
	guard  *weightsGuard
	device *deviceGuard
}

// Forward implements engine.Model.
func (m guardedModel) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	return m.guard.check(caught("step", func() error { return m.device.check(m.Model.Forward(ctx, b, logits)) }))
}

// caught is f, whose panic is an error.
func caught(op string, f func() error) (err error) {
	defer moe.Recover(op, &err)
	return f()
}
