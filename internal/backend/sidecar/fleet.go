package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// fleet divides the experts of a node among helpers, each with a device of its own.
type fleet struct {
	rowBytes int
	helpers  []*remote

	mu    sync.RWMutex             // guards owner
	owner map[moe.ExpertID]*remote // before the expert is loaded, too
}

// openFleet starts all helpers at once.
func openFleet(d *device, cfg model.Config, n model.Numerics) (*fleet, error) {
	f := &fleet{rowBytes: cfg.Hidden * n.Wire.Size(), helpers: make([]*remote, d.helpers), owner: map[moe.ExpertID]*remote{}}
	failed, errs := make(chan *backend.LostError, d.helpers), make([]error, d.helpers)
	var all sync.WaitGroup
	for i := range f.helpers {
		all.Go(func() { f.helpers[i], errs[i] = openRemote(d, i, failed, cfg, n) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Run implements model.FFN: helpers compute their groups at the same time.
func (f *fleet) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	if err := backend.CheckRun(groups, x, y, f.rowBytes); err != nil {
		return err
	}
	parts, err := f.divide(layer, groups, y)
	if err != nil {
		return err
	}
	errs := make(chan error, len(parts))
	for e, part := range parts {
		go func() { errs <- e.run(ctx, layer, part, x) }()
	}
	var all []error
	for range parts {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// divide gives every group, with its part of y, to the helper of its expert.
func (f *fleet) divide(layer int, groups []moe.Group, y []byte) (map[*remote][]part, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := map[*remote][]part{}
	for _, g := range groups {
		id := moe.ExpertID{Layer: layer, Expert: g.Expert}
		e := f.owner[id]
		if e == nil {
			return nil, &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
		}
		n := len(g.Index) * f.rowBytes
		out[e] = append(out[e], part{g, y[:n]})
		y = y[n:]
	}
	return out, nil
}

// Load implements backend.Experts.
func (f *fleet) Load(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	e, had := f.assign(id, f.ExpertBytes(elementOfExpert(w)))
	err := e.Load(ctx, id, w)
	if err != nil && !had {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.owner, id)
	}
	return err
}

// assign chooses the helper of an expert before it is loaded, so that loads at the same
// time choose different ones. A new expert of some bytes goes to a helper with room for
// it, of these to the one with the fewest experts of its layer, and of these to the one
// with the fewest experts.
func (f *fleet) assign(id moe.ExpertID, bytes int64) (e *remote, had bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.owner[id]; e != nil {
		return e, true
	}
	type load struct{ full, layer, all int }
	held := map[*remote]load{}
	for other, e := range f.owner {
		l := held[e]
		if l.all++; other.Layer == id.Layer {
			l.layer++
		}
		if e.memory > 0 && int64(l.all+1)*bytes > e.memory {
			l.full = 1
		}
		held[e] = l
	}
	f.owner[id] = slices.MinFunc(f.helpers, func(a, b *remote) int {
		x, y := held[a], held[b]
		return cmp.Or(cmp.Compare(x.full, y.full), cmp.Compare(x.layer, y.layer), cmp.Compare(x.all, y.all))
	})
	return f.owner[id], false
}

// Unload implements backend.Experts.
func (f *fleet) Unload(id moe.ExpertID) error {
	f.mu.Lock()
	e := f.owner[id]
	delete(f.owner, id)
	f.mu.Unlock()
	if e == nil {
		return nil
	}
	return e.Unload(id)
}

// Close implements backend.Experts.
func (f *fleet) Close() error {
	var all sync.WaitGroup
	for _, e := range f.helpers {
		if e != nil {
			all.Go(func() { e.Close() })
		}
	}
	all.Wait()
	return nil
}

// Borrows implements backend.OwnMemory: a helper that is started again gets the weights
// again.
func (f *fleet) Borrows() bool { return true }

// Capacity implements backend.OwnMemory: the memory of all helpers.
func (f *fleet) Capacity() (sum int64) {
	for _, e := range f.helpers {
		if e.memory == 0 {
			return 0
		}
		sum += e.memory
	}
	return sum
}

// ExpertBytes implements backend.OwnMemory.
func (f *fleet) ExpertBytes(format tensor.DType) int64 { return f.helpers[0].expertBytes(format) }

// Failed implements backend.Mortal: one helper that does not come back ends the node.
func (f *fleet) Failed() <-chan *backend.LostError { return f.helpers[0].failed }
