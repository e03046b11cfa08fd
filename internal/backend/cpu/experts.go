package cpu

import (
	"context"
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

const (
	// grain is the number of outputs of a product that stay with one worker:
	// the block of weight rows that the kernels widen at once.
	grain = 32
	// expertRows is how many rows an expert takes at a time. It bounds the
	// scratch; the weights are read once per expertRows rows.
	expertRows = 256
	// decodeGrain is the number of rows worth a worker of their own to decode.
	decodeGrain = 32
)

// Experts computes the experts that have been loaded into it.
type Experts struct {
	cfg  model.Config
	pool *Pool

	mu      sync.RWMutex // guards experts; held for reading while one computes
	experts map[moe.ExpertID]model.ExpertWeights

	turn  sync.Mutex // one expert computes at a time; guards all below
	call  expertCall
	loops expertLoops
}

// expertCall is what the loops of one expert read.
type expertCall struct {
	w           model.ExpertWeights
	index       []int32 // rows of wireX
	wireX       []byte
	wireY       []byte // [len(index), hidden]
	x, inner, y tensor.Matrix
	numerics    model.Numerics
}

// expertLoops are methods of the call, bound once: a closure per expert would
// be garbage per expert.
type expertLoops struct{ decode, up, down loop }

// NewExperts holds no experts yet.
func NewExperts(cfg model.Config, n model.Numerics, p *Pool) *Experts {
	e := &Experts{cfg: cfg, pool: p, experts: map[moe.ExpertID]model.ExpertWeights{}}
	e.call.numerics = n
	e.loops = expertLoops{decode: e.call.decode, up: e.call.up, down: e.call.down}
	return e
}

// Load implements backend.Experts.
func (e *Experts) Load(_ context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	if err := backend.CheckExpert(e.cfg, id, w); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.experts[id] = w
	return nil
}

// Unload implements backend.Experts.
func (e *Experts) Unload(id moe.ExpertID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.experts, id)
	return nil
}

// Close implements backend.Experts.
func (e *Experts) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.experts)
	return nil
}

// Run implements model.FFN. Every expert uses all workers; experts come one
// after the other, since the weights of one fill the memory bus.
func (e *Experts) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	size := e.cfg.Hidden * e.call.numerics.Wire.Size()
	if err := backend.CheckRun(groups, x, y, size); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, g := range groups {
		if id := (moe.ExpertID{Layer: layer, Expert: g.Expert}); !e.has(id) {
			return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
		}
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	e.pool.hold()
	defer e.pool.release()
	defer e.call.forget()
	for _, g := range groups {
		e.call.w = e.experts[moe.ExpertID{Layer: layer, Expert: g.Expert}]
		for index := g.Index; len(index) > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			rows := min(expertRows, len(index))
			e.compute(index[:rows], x, y[:rows*size])
			index, y = index[rows:], y[rows*size:]
		}
	}
	return nil
}

// has reports whether an expert is loaded. e.mu is held.
func (e *Experts) has(id moe.ExpertID) bool {
	_, ok := e.experts[id]
	return ok
}

// compute computes the expert of the call for rows index of x.
func (e *Experts) compute(index []int32, x, y []byte) {
	c, rows := &e.call, len(index)
	c.index, c.wireX, c.wireY = index, x, y
	c.x, c.inner, c.y = c.x.Resize(rows, e.cfg.Hidden), c.inner.Resize(rows, e.cfg.FFN), c.y.Resize(rows, e.cfg.Hidden)
	e.pool.run(rows, decodeGrain, e.loops.decode)
	e.pool.run(e.cfg.FFN, grain, e.loops.up)
	e.pool.run(e.cfg.Hidden, grain, e.loops.down)
}

// forget drops what belongs to the caller.
func (c *expertCall) forget() {
	c.w, c.index, c.wireX, c.wireY = model.ExpertWeights{}, nil, nil, nil
}

func (c *expertCall) decode(w *worker, lo, hi int) {
	wire := c.numerics.Wire
	size := c.x.Cols * wire.Size()
	for i := lo; i < hi; i++ {
		at := int(c.index[i]) * size
		w.k.Unpack(c.x.Row(i), c.wireX[at:at+size], wire)
	}
}

func (c *expertCall) up(w *worker, lo, hi int) {
	w.k.SwiGLU(w.s, c.inner, c.x, c.w.W1, c.w.W3, lo, hi)
	for i := range c.inner.Rows {
		w.k.Round(c.inner.Row(i)[lo:hi], c.numerics.FFNActivation)
	}
}

// down writes columns lo..hi-1 of the replies; to encode is to round.
func (c *expertCall) down(w *worker, lo, hi int) {
	w.k.MatMul(w.s, c.y, c.inner, c.w.W2, lo, hi)
	wire := c.numerics.Wire
	element := wire.Size()
	for i := range c.y.Rows {
		row := c.wireY[i*c.y.Cols*element : (i+1)*c.y.Cols*element]
		tensor.Encode(row[lo*element:hi*element], c.y.Row(i)[lo:hi], wire)
	}
}
