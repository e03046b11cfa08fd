package role

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/journal"
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
	Dense        backend.Dense
	Dispatcher   *dispatch.Dispatcher // it has no placement yet
	Blocks       int                  // of the KV cache
	MaxSequences int

	journal  *journal.Journal
	security *security
	weights  weights
	device   backend.Device
	threads  int
	family   func(backend.Info) error // refuses local experts of another family
	fetched  int64                    // bytes of dense weights in memory of no file
	close    []func() error
}

// OpenCore maps what a router computes with. Its pages are read now, not by the
// first request.
func OpenCore(ctx context.Context, c RouterConfig) (_ *Core, err error) {
	c.silence()
	by, err := openSecurity(c.Security.SecurityConfig, c.ClusterConfig, identity.Router)
	if err != nil {
		return nil, err
	}
	core := &Core{MaxSequences: c.Serving.MaxSequences, journal: &journal.Journal{}, security: by, threads: c.workers(), family: c.checkFamily, close: []func() error{func() error { by.close(); return nil }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, core.Close())
		}
	}()
	device, err := c.openDevice(c.BusyPoll, c.Logger)
	if err != nil {
		return nil, err
	}
	core.device, core.close = device, append(core.close, device.Close)
	w, err := openModel(ctx, c.ModelConfig, device.Info(), c.Logger)
	if err != nil {
		return nil, err
	}
	core.Model, core.weights = w.cfg, w
	core.close = append(core.close, w.ckpt.Close)
	dense, err := w.loadDense(ctx)
	if err != nil {
		return nil, err
	}
	core.close = append(core.close, dense.Close)
	if w.source != nil {
		core.fetched = dense.Bytes()
	}
	if core.Dense, err = device.OpenDense(w.cfg, w.numerics, dense.Weights); err != nil {
		return nil, configFault(err)
	}
	core.close = append(core.close, core.Dense.Close)
	if err := core.reserveCache(c.Serving.KVCacheMemory); err != nil {
		return nil, err
	}
	core.connect(c)
	return core, nil
}

// connect makes the dispatcher and its way to the nodes.
func (c *Core) connect(cfg RouterConfig) {
	if p := cfg.InProcess; p != nil {
		c.Dispatcher = cfg.dispatcher(c.weights, p.Network, c.journal)
		return
	}
	pool := rpc.NewPool(rpc.PoolConfig{
		Router: moe.RouterID(cfg.ID), Fingerprint: c.weights.fingerprint, MaxPayload: c.weights.maxPayload(),
		Lost:     func(node moe.NodeID) { c.Dispatcher.Lose(node) },
		Found:    func(node moe.NodeID) { c.Dispatcher.Find(node) },
		Draining: func(node moe.NodeID) { c.Dispatcher.Avoid(node) },
		Spin:     cfg.BusyPoll, TLS: c.security.nodes(), Logger: cfg.Logger,
	})
	c.close = append(c.close, func() error { pool.Close(); return nil })
	c.Dispatcher = cfg.dispatcher(c.weights, pool, c.journal)
	c.close = append(c.close, keepStreams(c.Dispatcher, pool))
}

// keepStreams holds a stream open to every node of the placement, until stop.
func keepStreams(d *dispatch.Dispatcher, pool *rpc.Pool) (stop func() error) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for kept := moe.Epoch(0); ; {
			changed := d.Changed()
			if p := d.Placement(); p != nil && p.Epoch() != kept {
				kept = p.Epoch()
				pool.Keep(p.Nodes())
			}
			select {
			case <-changed:
			case <-end:
				return
			}
		}
	}()
	return func() error { close(end); <-ended; return nil }
}

// reserveCache divides the memory for the KV cache into blocks. A device has no more
// than it says.
func (c *Core) reserveCache(memory Size) error {
	block := c.Dense.KVBlockBytes()
	if own, ok := c.Dense.(backend.OwnCache); ok {
		free, err := own.CacheCapacity()
		if err != nil {
			return err
		}
		memory = min(memory, Size(free))
	}
	c.Blocks = int(int64(memory) / block)
	if c.Blocks < 1 {
		return &ConfigError{Err: &FieldError{Field: "serving.kvCacheMemory", Err: fmt.Errorf("%v: want at least one block of %d bytes", memory, block)}}
	}
	if c.MaxSequences == 0 {
		c.MaxSequences = scheduler.SequencesFor(c.Blocks)
	}
	// A cache larger than every sequence at full length would never fill.
	c.Blocks = min(c.Blocks, c.MaxSequences*(c.Model.MaxContext/model.BlockSize+1))
	return c.Dense.ReserveKV(c.Blocks)
}

// reserved is what the KV cache and fetched weights take of the process's memory, outside
// the Go heap; the kernel can drop neither.
func (c *Core) reserved() int64 {
	if _, ok := c.Dense.(backend.OwnCache); ok {
		return c.fetched
	}
	return int64(c.Blocks)*c.Dense.KVBlockBytes() + c.fetched
}

// LocalExperts loads every expert into this process, on the core's own device.
func (c *Core) LocalExperts(ctx context.Context) (model.Experts, error) {
	if err := c.family(c.device.Info()); err != nil {
		return nil, err
	}
	experts, err := c.device.OpenExperts(c.weights.cfg, c.weights.numerics)
	if err != nil {
		return nil, configFault(err)
	}
	c.close = append(c.close, experts.Close)
	l := newExpertLoader(c.weights, experts, c.threads)
	for _, id := range c.Model.Topology().All() {
		if err := l.Load(ctx, id); err != nil {
			return nil, err
		}
		c.close = append(c.close, func() error { return l.Unload(id) })
	}
	return &backend.Local{FFN: experts, Wire: c.weights.numerics.Wire}, nil
}

// Close gives everything back, the last first.
func (c *Core) Close() error {
	var all []error
	for _, f := range slices.Backward(c.close) {
		all = append(all, f())
	}
	return errors.Join(all...)
}
