package cpu

import (
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Family names the order of operations for model.Fingerprint.
const Family = "cpu-l16-fma-pairs"

const (
	// grain is the number of outputs of a product that stay with one worker:
	// the block of weight rows that the kernels widen at once.
	grain = 32
	// ffnRows is how many rows an expert takes at a time. It bounds the
	// scratch; the weights are read once per so many rows.
	ffnRows = 256
)

// FFN computes the experts that have been loaded into it.
type FFN struct {
	cfg  model.Config
	pool *Pool

	mu      sync.RWMutex // guards experts; held for reading while one computes
	experts map[moe.ExpertID]model.ExpertWeights

	turn sync.Mutex // one expert computes at a time; guards all below
	call ffnCall
	up   loop // call.up and call.down, made once
	down loop
}

// ffnCall is what the loops of one expert read.
type ffnCall struct {
	w           model.ExpertWeights
	x, inner, y tensor.Matrix
	numerics    model.Numerics
}

// NewFFN makes an FFN with no experts.
func NewFFN(cfg model.Config, n model.Numerics, p *Pool) *FFN {
	f := &FFN{cfg: cfg, pool: p, experts: map[moe.ExpertID]model.ExpertWeights{}}
	f.call.numerics = n
	f.up, f.down = f.call.up, f.call.down
	return f
}

// Load makes an expert computable. The weights stay borrowed until Unload.
func (f *FFN) Load(id moe.ExpertID, w model.ExpertWeights) error {
	for name, got := range map[string]tensor.Weight{"w1": w.W1, "w2": w.W2, "w3": w.W3} {
		rows, cols := f.cfg.FFN, f.cfg.Hidden
		if name == "w2" {
			rows, cols = cols, rows
		}
		if got.Rows != rows || got.Cols != cols || len(got.Data) != got.DType.Bytes(rows, cols) {
			return fmt.Errorf("expert %v: %s is [%d, %d] in %d bytes, expected [%d, %d] %v", id, name, got.Rows, got.Cols, len(got.Data), rows, cols, got.DType)
		}
	}
	if w.W1.DType.Quantized() != w.W3.DType.Quantized() {
		return fmt.Errorf("expert %v: w1 is %v and w3 %v, expected both quantized or none", id, w.W1.DType, w.W3.DType)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.experts[id] = w
	return nil
}

// Unload forgets an expert. When it returns no computation touches the
// weights.
func (f *FFN) Unload(id moe.ExpertID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.experts, id)
}

// Has reports whether the expert is loaded.
func (f *FFN) Has(id moe.ExpertID) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ok := f.experts[id]
	return ok
}

// Forward implements model.FFN.
func (f *FFN) Forward(id moe.ExpertID, x, y tensor.Matrix) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	w, ok := f.experts[id]
	if !ok {
		return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
	}
	if x.Cols != f.cfg.Hidden || y.Cols != f.cfg.Hidden || x.Rows != y.Rows {
		return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.Invalid,
			Err: fmt.Errorf("x [%d, %d], y [%d, %d], hidden %d", x.Rows, x.Cols, y.Rows, y.Cols, f.cfg.Hidden)}
	}
	f.turn.Lock()
	defer f.turn.Unlock()
	for from := 0; from < x.Rows; from += ffnRows {
		rows := min(ffnRows, x.Rows-from)
		f.call.w, f.call.x, f.call.y = w, x.Slice(from, from+rows), y.Slice(from, from+rows)
		f.call.inner = f.call.inner.Resize(rows, f.cfg.FFN)
		f.pool.run(f.cfg.FFN, grain, f.up)
		f.pool.run(f.cfg.Hidden, grain, f.down)
	}
	f.call.forget()
	return nil
}

// forget keeps nothing of the caller's.
func (c *ffnCall) forget() { c.w, c.x, c.y = model.ExpertWeights{}, tensor.Matrix{}, tensor.Matrix{} }

func (c *ffnCall) up(w *worker, lo, hi int) {
	w.k.GatedUp(w.s, c.inner, c.x, c.w.W1, c.w.W3, lo, hi)
	for i := range c.inner.Rows {
		w.k.Round(c.inner.Row(i)[lo:hi], c.numerics.Inner)
	}
}

func (c *ffnCall) down(w *worker, lo, hi int) {
	w.k.MatMul(w.s, c.y, c.inner, c.w.W2, lo, hi)
	for i := range c.y.Rows {
		w.k.Round(c.y.Row(i)[lo:hi], c.numerics.Wire)
	}
}
