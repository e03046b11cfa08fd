package reference

import (
	"context"
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

type experts struct {
	kernels  *kernel.Kernels
	cfg      model.Config
	numerics model.Numerics

	mu     sync.RWMutex // guards loaded; held for reading while an expert computes
	loaded map[moe.ExpertID]model.ExpertWeights
}

// Load keeps the weights as they are. An accelerator copies them to its memory,
// in the layout that its kernels like, and returns when they are there.
func (e *experts) Load(_ context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	if err := backend.CheckExpert(e.cfg, id, w); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loaded[id] = w
	return nil
}

// Unload waits for running calls: when it returns, the caller may unmap the
// weights.
func (e *experts) Unload(id moe.ExpertID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.loaded, id)
	return nil
}

// Run computes one expert after the other. An accelerator copies x as it is,
// launches once for all groups and copies y back.
func (e *experts) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return backend.EachExpert{Hidden: e.cfg.Hidden, Wire: e.numerics.Wire, Expert: e.compute}.Run(ctx, layer, groups, x, y)
}

func (e *experts) compute(id moe.ExpertID, x, y tensor.Matrix) error {
	w, ok := e.loaded[id]
	if !ok {
		return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
	}
	copy(y.Data, arithmetic{e.kernels, kernel.NewScratch()}.feedForward(x, w, e.numerics.FFNActivation).Data)
	return nil
}

func (e *experts) Close() error { return nil }
