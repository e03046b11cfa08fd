package cpu

import (
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/moe"
)

// Family names the order of operations for model.Fingerprint.
const Family = "cpu-l16-fma"

// FFN computes the experts that have been loaded into it.
type FFN struct {
	cfg  model.Config
	wire tensor.DType
	pool *Pool

	mu      sync.RWMutex // guards experts; held for reading while one computes
	experts map[moe.ExpertID]model.ExpertWeights
}

// NewFFN makes an FFN with no experts.
func NewFFN(cfg model.Config, n model.Numerics, p *Pool) *FFN {
	return &FFN{cfg: cfg, wire: n.Wire, pool: p, experts: map[moe.ExpertID]model.ExpertWeights{}}
}

// Load makes an expert computable. The weights stay borrowed until Unload.
func (f *FFN) Load(id moe.ExpertID, w model.ExpertWeights) error {
	for name, got := range map[string]tensor.Weight{"w1": w.W1, "w2": w.W2, "w3": w.W3} {
		rows, cols := f.cfg.FFN, f.cfg.Hidden
		if name == "w2" {
			rows, cols = cols, rows
		}
		if got.Rows != rows || got.Cols != cols || len(got.Data) != rows*cols*got.DType.Size() {
			return fmt.Errorf("expert %v: %s is [%d, %d] in %d bytes, expected [%d, %d] %v", id, name, got.Rows, got.Cols, len(got.Data), rows, cols, got.DType)
		}
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
	inner, up := tensor.NewMatrix(x.Rows, f.cfg.FFN), tensor.NewMatrix(x.Rows, f.cfg.FFN)
	f.pool.matmul(inner, x, w.W1)
	f.pool.matmul(up, x, w.W3)
	f.pool.Run(len(inner.Data), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			inner.Data[i] = kernel.SiLU(inner.Data[i]) * up.Data[i]
		}
	})
	f.pool.matmul(y, inner, w.W2)
	for i := range y.Rows {
		tensor.Round(y.Row(i), f.wire)
	}
	return nil
}
