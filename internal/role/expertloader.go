package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/arena"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
	"github.com/hachi-serve/hachi/moe"
)

// expertLoader makes experts resident and gives them to a backend.
type expertLoader struct {
	w       weights
	experts backend.Experts
	threads int // to quantize with
	ahead   prefetcher
	heap    *heapBound // of the process; nil is not bounded

	mu   sync.Mutex                 // guards maps
	maps map[moe.ExpertID]io.Closer // of the memory of weights
}

func newExpertLoader(w weights, experts backend.Experts, threads int) *expertLoader {
	return &expertLoader{
		w: w, experts: experts, threads: threads, maps: map[moe.ExpertID]io.Closer{},
		ahead: prefetcher{ckpt: w.ckpt, under: map[moe.ExpertID]*prefetch{}},
	}
}

// Close unmaps every expert, once nothing computes any more.
func (l *expertLoader) Close() error {
	l.ahead.close()
	var all []error
	for _, id := range slices.Collect(maps.Keys(l.maps)) {
		all = append(all, l.Unload(id))
	}
	return errors.Join(all...)
}

// Load implements expertnode.Loader. The first touch of the pages happens
// here, not in the first request.
func (l *expertLoader) Load(ctx context.Context, id moe.ExpertID) error {
	m, err := l.ahead.take(ctx, id)
	if err != nil {
		return err
	}
	if s := l.w.source; s != nil {
		l.w.log.Info("expert is in memory", "expert", id, "bytes", m.Bytes(), "from", s.String(), "fetched", s.Fetched(), "cached", s.Cached())
	}
	weights, memory := m.Weights, io.Closer(m)
	if l.w.quantize != tensor.Invalid {
		weights, memory, err = l.quantized(ctx, id, m.Weights)
		if err = errors.Join(err, m.Close()); err != nil {
			return err
		}
	}
	// A backend or the quantization may have read a file that changed meanwhile.
	if err := errors.Join(l.experts.Load(ctx, id, weights), l.w.ckpt.Unchanged()); err != nil {
		return errors.Join(err, l.experts.Unload(id), memory.Close())
	}
	if l.w.copied && l.w.quantize != tensor.Invalid {
		return memory.Close() // the quantized weights are on the device
	}
	l.heap.hold(l.outside(memory))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maps[id] = memory
	return nil
}

// outside is how much of the memory of an expert the kernel cannot drop, bytes: all but
// what is mapped from files of a directory.
func (l *expertLoader) outside(memory io.Closer) int64 {
	switch m := memory.(type) {
	case *arena.Arena:
		return m.Len()
	case *checkpoint.ExpertMap:
		if l.w.source != nil {
			return m.Bytes()
		}
	}
	return 0
}

// Prefetch implements expertnode.Loader. Files of a directory are not read ahead: a disk
// reads one expert faster than two.
func (l *expertLoader) Prefetch(ids []moe.ExpertID) {
	if l.w.source != nil {
		l.ahead.fetch(ids)
	}
}

// quantized makes the weights of an expert in memory of their own, outside the Go
// heap, where garbage would grow with them.
func (l *expertLoader) quantized(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) (model.ExpertWeights, io.Closer, error) {
	matrices, size := []*tensor.Weight{&w.W1, &w.W2, &w.W3}, int64(0)
	for _, m := range matrices {
		size += arena.Size(l.w.quantize.Bytes(m.Rows, m.Cols))
	}
	memory, err := arena.New(size)
	if err != nil {
		return w, nil, fmt.Errorf("expert %v: %w", id, err)
	}
	for _, m := range matrices {
		dst := memory.Bytes(l.w.quantize.Bytes(m.Rows, m.Cols))
		if *m, err = quantize.WeightInto(ctx, dst, kernel.Best(), l.threads, *m, l.w.quantize); err != nil {
			return w, nil, errors.Join(fmt.Errorf("expert %v: %w", id, err), memory.Close())
		}
	}
	return w, memory, nil
}

// Unload implements expertnode.Loader. The backend's Unload returns when no
// kernel reads the weights any more, so unmapping them is safe.
func (l *expertLoader) Unload(id moe.ExpertID) error {
	if err := l.experts.Unload(id); err != nil {
		return err
	}
	l.mu.Lock()
	m := l.maps[id]
	delete(l.maps, id)
	l.mu.Unlock()
	if m == nil {
		return nil
	}
	held := l.outside(m) // nothing once it is closed
	err := m.Close()
	l.heap.hold(-held)
	return err
}

// copy fills dst with bytes of the checkpoint that are in memory, and reports whether they
// are. Files of a directory are read instead: a page of a map may be gone.
func (l *expertLoader) copy(id moe.ExpertID, name string, dst []byte, at int64) bool {
	if l.w.source == nil {
		return false
	}
	l.mu.Lock() // Unload unmaps what it has taken from maps
	defer l.mu.Unlock()
	m, ok := l.maps[id].(*checkpoint.ExpertMap)
	return ok && m.Copy(name, dst, at)
}
