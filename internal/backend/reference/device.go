package reference

import (
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Backend is this package as one of a binary's backends.
func Backend() backend.Backend {
	return backend.Backend{Name: "reference", Open: func(o backend.Options) (backend.Device, error) {
		kernels, err := kernel.Go().In(o.Numerics)
		if err != nil {
			return nil, err
		}
		return device{kernels}, nil
	}}
}

// device has only the definitions. That of an accelerator holds its context, its streams and
// the memory for rows on their way.
type device struct{ kernels *kernel.Kernels }

// Info names the family. A backend with another order of operations names
// another, and a cluster does not mix the two.
func (d device) Info() backend.Info {
	return backend.Info{Family: d.kernels.Family(), Kernel: d.kernels.Name()}
}

func (d device) OpenExperts(cfg model.Config, n model.Numerics) (backend.Experts, error) {
	return &experts{kernels: d.kernels, cfg: cfg, numerics: n, loaded: map[moe.ExpertID]model.ExpertWeights{}}, nil
}

func (d device) OpenDense(cfg model.Config, n model.Numerics, w model.DenseWeights) (backend.Dense, error) {
	return &dense{cfg: cfg, numerics: n, w: w, arithmetic: arithmetic{d.kernels, kernel.NewScratch()}}, nil
}

func (device) Close() error { return nil }

// arithmetic is the definitions of package kernel and the memory they need.
type arithmetic struct {
	*kernel.Kernels
	scratch *kernel.Scratch
}

// product is x times w transposed.
func (a arithmetic) product(x tensor.Matrix, w tensor.Weight) tensor.Matrix {
	y := tensor.NewMatrix(x.Rows, w.Rows)
	a.MatMul(a.scratch, y, x, w, 0, w.Rows)
	return y
}

// feedForward is w2(silu(w1 x) * (w3 x)); what w2 reads is rounded to inner.
func (a arithmetic) feedForward(x tensor.Matrix, w model.ExpertWeights, inner tensor.DType) tensor.Matrix {
	gated, up := a.product(x, w.W1), a.product(x, w.W3)
	a.SiLUMul(gated.Data, up.Data)
	a.Round(gated.Data, inner)
	return a.product(gated, w.W2)
}

// norm is the RMS norm of one row.
func (a arithmetic) norm(row []float32, gain tensor.Weight, eps float64) []float32 {
	weights, out := make([]float32, len(row)), make([]float32, len(row))
	tensor.Decode(weights, gain.Data, gain.DType)
	a.RMSNorm(a.scratch, out, row, weights, float32(eps))
	return out
}

// rowOf is one row as a matrix.
func rowOf(v []float32) tensor.Matrix {
	return tensor.Matrix{Rows: 1, Cols: len(v), Stride: len(v), Data: v}
}
