package role

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
)

// Core is a router without its requests: the half of the model that it
// computes, and the way to the experts.
type Core struct {
	Model        model.Config
	Dense        *cpu.Dense
	Dispatcher   *dispatch.Dispatcher // it has no placement yet
	Blocks       int                  // of the KV cache
	MaxSequences int

	weights weights
	pool    *cpu.Pool
	close   []func() error
}

// OpenCore maps what a router computes with. Its pages are read now, not by the
// first request.
func OpenCore(ctx context.Context, c RouterConfig) (core *Core, err error) {
	w, err := openModel(c.ModelConfig)
	if err != nil {
		return nil, err
	}
	core = &Core{Model: w.cfg, MaxSequences: c.Serving.MaxSequences, weights: w, close: []func() error{w.ckpt.Close}}
	defer func() {
		if err != nil {
			err = errors.Join(err, core.Close())
		}
	}()
	dense, err := w.ckpt.MapDense()
	if err != nil {
		return nil, &ConfigError{Err: err}
	}
	core.close = append(core.close, dense.Close)
	if err := dense.Touch(ctx, nil); err != nil {
		return nil, err
	}
	if core.pool, err = newPool(c.ModelConfig, c.Spin); err != nil {
		return nil, err
	}
	core.close = append(core.close, func() error { core.pool.Close(); return nil })
	if err := core.sizeCache(c.Serving.KVBytes); err != nil {
		return nil, err
	}
	core.Dense = cpu.NewDense(w.cfg, dense.Weights, cpu.DenseOptions{Numerics: w.numerics, Blocks: core.Blocks}, core.pool)
	core.connect(c)
	return core, nil
}

// connect makes the dispatcher and its way to the nodes.
func (c *Core) connect(cfg RouterConfig) {
	if p := cfg.InProcess; p != nil {
		c.Dispatcher = cfg.dispatcher(c.weights, p.Network)
		return
	}
	suspect := func(node moe.NodeID) { c.Dispatcher.Suspect(node) }
	pool := rpc.NewPool(rpc.PoolConfig{
		Router: moe.RouterID(cfg.ID), Fingerprint: c.weights.fingerprint, MaxPayload: c.weights.maxPayload(), Broken: suspect, Draining: suspect,
		Spin: cfg.Spin,
	})
	c.close = append(c.close, func() error { pool.Close(); return nil })
	c.Dispatcher = cfg.dispatcher(c.weights, pool)
}

// sizeCache divides the memory for the KV cache.
func (c *Core) sizeCache(bytes int64) error {
	block := cpu.KVBlockBytes(c.weights.cfg, c.weights.numerics)
	c.Blocks = int(bytes / block)
	if c.Blocks < 1 {
		return &ConfigError{Err: fmt.Errorf("--kv-bytes %d holds not one block of %d", bytes, block)}
	}
	if c.MaxSequences == 0 {
		c.MaxSequences = scheduler.SequencesFor(c.Blocks)
	}
	// A cache larger than every sequence at full length would never fill.
	c.Blocks = min(c.Blocks, c.MaxSequences*(c.Model.MaxContext/model.BlockSize+1))
	return nil
}

// LocalExperts loads every expert into this process, on the core's own threads.
func (c *Core) LocalExperts(ctx context.Context) (model.Experts, error) {
	ffn := cpu.NewFFN(c.weights.cfg, c.weights.numerics, c.pool)
	l := newExpertLoader(c.weights, ffn, c.pool)
	for _, id := range c.Model.Topology().All() {
		if err := l.Load(ctx, id); err != nil {
			return nil, err
		}
		c.close = append(c.close, func() error { return l.Unload(id) })
	}
	return &model.Local{FFN: ffn}, nil
}

// Close gives everything back, the last first.
func (c *Core) Close() error {
	var all []error
	for _, f := range slices.Backward(c.close) {
		all = append(all, f())
	}
	return errors.Join(all...)
}
