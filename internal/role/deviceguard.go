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

// deviceGuard lets an expert node leave when its device is lost: a node that computes
// nothing any more must not keep its experts from others. Only a new process may find
// the device again.
type deviceGuard struct {
	backend.Experts
	log   *slog.Logger
	leave context.CancelCauseFunc
	fault atomic.Pointer[backend.LostError]
}

// guardDevice returns a context that ends when the device of experts is lost, and
// experts that notice it.
func guardDevice(ctx context.Context, experts backend.Experts, log *slog.Logger) (context.Context, *deviceGuard) {
	g := &deviceGuard{Experts: experts, log: log}
	ctx, g.leave = context.WithCancelCause(ctx)
	return ctx, g
}

// check returns the error of a computation, or, when the device is lost, one that
// says that another node must compute.
func (g *deviceGuard) check(err error) error {
	var lost *backend.LostError
	if !errors.As(err, &lost) {
		return err
	}
	if g.fault.CompareAndSwap(nil, lost) {
		g.log.Error("device is lost, leaving", "err", lost)
		g.leave(lost)
	}
	return &moe.Error{Op: "compute", Kind: moe.Draining, Err: errLostDevice}
}

// errLostDevice is what others hear of it.
var errLostDevice = errors.New("the device of this node is lost")

// Run implements model.FFN.
func (g *deviceGuard) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return g.check(g.Experts.Run(ctx, layer, groups, x, y))
}

// Load implements backend.Experts.
func (g *deviceGuard) Load(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	return g.check(g.Experts.Load(ctx, id, w))
}

// end is the error of a process that ended with err: the reason why it left comes
// first.
func (g *deviceGuard) end(err error) error {
	g.leave(nil)
	if lost := g.fault.Load(); lost != nil {
		return errors.Join(fmt.Errorf("the process left: %w", lost), err)
	}
	return err
}
