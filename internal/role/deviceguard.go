package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// deviceGuard lets a process leave when its device is lost: a process that computes
// nothing any more must not keep its work from others. Only a new process may find
// the device again.
type deviceGuard struct {
	log     *slog.Logger
	leave   context.CancelCauseFunc
	watched chan struct{} // closed when nothing waits for the device any more
	fault   atomic.Pointer[backend.LostError]
}

// guardDevice returns a context that ends when a device is lost, and the guard that
// notices it: by an error that check is given, or, where computes is a backend.Mortal,
// without a call. The guard's end must be called.
func guardDevice(ctx context.Context, computes any, log *slog.Logger) (context.Context, *deviceGuard) {
	g := &deviceGuard{log: log, watched: make(chan struct{})}
	ctx, g.leave = context.WithCancelCause(ctx)
	m, ok := computes.(backend.Mortal)
	if !ok {
		close(g.watched)
		return ctx, g
	}
	go func() {
		defer close(g.watched)
		select {
		case lost := <-m.Failed():
			g.lose(lost)
		case <-ctx.Done():
		}
	}()
	return ctx, g
}

// lose makes the process leave, once.
func (g *deviceGuard) lose(lost *backend.LostError) {
	if g.fault.CompareAndSwap(nil, lost) {
		g.log.Error("device is lost, leaving", "err", lost)
		g.leave(lost)
	}
}

// check returns the error of a computation, or, when the device is lost, one that
// says that another process must compute.
func (g *deviceGuard) check(err error) error {
	var lost *backend.LostError
	if !errors.As(err, &lost) {
		return err
	}
	g.lose(lost)
	return &moe.Error{Op: "compute", Kind: moe.Draining, Err: errLostDevice}
}

// errLostDevice is what others hear of it.
var errLostDevice = errors.New("the device of this process is lost")

// end is the error of a process that ended with err: the reason why it left comes
// first.
func (g *deviceGuard) end(err error) error {
	g.leave(nil)
	<-g.watched
	lost := g.fault.Load()
	if lost == nil {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = nil // the end of the context that the guard has ended
	}
	return errors.Join(fmt.Errorf("the process left: %w", lost), err)
}

// guardedExperts computes and loads experts under a guard.
type guardedExperts struct {
	backend.Experts
	device *deviceGuard
}

// Run implements model.FFN.
func (e guardedExperts) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return e.device.check(e.Experts.Run(ctx, layer, groups, x, y))
}

// Load implements backend.Experts.
func (e guardedExperts) Load(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	return e.device.check(e.Experts.Load(ctx, id, w))
}
