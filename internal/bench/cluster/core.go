package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/moe"
)

// routerID is the name of the core in the cluster.
const routerID = "bench"

// Core is a router's core in this process, of a cluster that was started for it.
type Core struct {
	*role.Core
	Local *local.Cluster
	// Certificates is the directory of the core's certificate; "" in plaintext.
	Certificates string
	Addresses    map[moe.NodeID]string

	ends chan local.ChildEvent // of processes; the first that no Steady has seen
}

// ID is the name of the core in the cluster.
func (c *Core) ID() string { return routerID }

// Close ends the core and the cluster.
func (c *Core) Close(ctx context.Context) {
	if c.Core != nil {
		c.Core.Close()
	}
	c.Local.Close(context.WithoutCancel(ctx))
}

// Start starts a cluster and a router's core for steps of at most this many sequences.
// The core has the cluster's placement, and follows no change of it.
func Start(ctx context.Context, up local.UpConfig, sequences int) (_ *Core, err error) {
	out := &Core{Addresses: map[moe.NodeID]string{}, ends: make(chan local.ChildEvent, 1)}
	up.Events.Child = out.note(up.Events.Child)
	started, err := local.Up(ctx, up)
	if err != nil {
		return nil, err
	}
	out.Local = started
	defer func() {
		if err != nil {
			out.Close(ctx)
		}
	}()
	if err := started.Ready(ctx); err != nil {
		return nil, err
	}
	for len(out.ends) > 0 {
		<-out.ends // of a process that runs again
	}
	view, err := started.View(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range view.Nodes {
		out.Addresses[moe.NodeID(n.GetNodeId())] = n.GetAddr()
	}
	if !up.Security.Plaintext {
		if out.Certificates, err = started.Certificates(identity.Router, routerID); err != nil {
			return nil, err
		}
	}
	if out.Core, err = role.OpenCore(ctx, out.router(up, sequences)); err != nil {
		return nil, err
	}
	if !out.Dispatcher.Adopt(view.Placement) {
		return nil, errors.New("the cluster serves another model")
	}
	return out, nil
}

// note keeps the end of a process, and reports it unless report is nil.
func (c *Core) note(report func(local.ChildEvent)) func(local.ChildEvent) {
	return func(e local.ChildEvent) {
		if report != nil {
			report(e)
		}
		select {
		case c.ends <- e:
		default:
		}
	}
}

// Steady is what work returns. The context of work ends when a process of c does: what
// is measured with a placement of the past would wait without end.
func Steady[T any](ctx context.Context, c *Core, work func(context.Context) (T, error)) (out T, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = work(ctx)
	}()
	select {
	case <-done:
		return out, err
	case e := <-c.ends:
		failed := fmt.Errorf("%s ended during the measurement: %w", e.Name, cmp.Or(e.Err, errClean))
		stop(failed)
		<-done
		return out, failed
	}
}

// errClean says that a process has ended by itself, without a fault.
var errClean = errors.New("without a fault")

// router is the configuration of the core in this process: what the cluster's
// own router has.
func (c *Core) router(up local.UpConfig, sequences int) role.RouterConfig {
	out := role.RouterConfig{
		ClusterConfig: role.ClusterConfig{ID: routerID, Cluster: c.Local.Name(), Logger: up.Logger},
		ModelConfig:   up.Model,
		Serving:       up.Serving,
	}
	out.Threads, out.CoreBudget = up.RouterThreads(), up.CoreBudget()
	if out.Backends == nil {
		out.Backends = []backend.Backend{cpu.Backend()}
	}
	out.Serving.MaxSequences, out.Security.Certificates = sequences, c.Certificates
	return out
}

// DrawBatch is n sequences of one position behind their context, whose keys and
// values may be anything.
func DrawBatch(random *rand.Rand, vocab, n, before int) *model.Batch {
	b := &model.Batch{}
	perSequence := before/model.BlockSize + 1
	for i := range n {
		blocks := make([]int32, perSequence)
		for j := range blocks {
			blocks[j] = int32(i*perSequence + j)
		}
		b.Tokens = append(b.Tokens, random.Int32N(int32(vocab)))
		b.Spans = append(b.Spans, model.Span{Start: before, N: 1, Blocks: blocks})
		b.Outputs = append(b.Outputs, int32(i))
	}
	return b
}
