package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// lanes is how many calls run at once: one computes while the rows of the other move.
const lanes = 2

// margin is device memory that is left to the driver.
const margin = 128 << 20

// image is an expert's weights on the device: those of w1 and w3, then those of w2.
type image struct {
	format tensor.DType
	memory *driver.Buffer
	down   driver.Pointer // where the image of w2 begins
}

// experts implements backend.Experts, backend.OwnMemory and backend.HostMemory.
type experts struct {
	v        *device
	cfg      model.Config
	shape    shape
	capacity int64
	lanes    chan *lane // that no call uses
	loader   *loader

	mu     sync.RWMutex // guards images; held for reading while a call runs
	images map[moe.ExpertID]*image
}

func newExperts(v *device, s shape, cfg model.Config) (*experts, error) {
	e := &experts{v: v, cfg: cfg, shape: s, lanes: make(chan *lane, lanes), images: map[moe.ExpertID]*image{}}
	err := v.use(func() error {
		for range lanes {
			l, err := newLane(v, s)
			if err != nil {
				return err
			}
			e.lanes <- l
		}
		var err error
		if e.loader, err = newLoader(v, s, s.upBytes(tensor.BF16)+s.downBytes(tensor.BF16)); err != nil {
			return err
		}
		free, err := v.FreeMemory()
		e.capacity = max(0, int64(free)-margin)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: memory for rows: %w", v.label, err), e.Close())
	}
	return e, nil
}

// Capacity implements backend.OwnMemory.
func (e *experts) Capacity() int64 { return e.capacity }

// ExpertBytes implements backend.OwnMemory.
func (e *experts) ExpertBytes(format tensor.DType) int64 {
	format = deviceFormat(format)
	return int64(e.shape.upBytes(format) + e.shape.downBytes(format))
}

// Borrows implements backend.OwnMemory: Load has copied everything.
func (e *experts) Borrows() bool { return false }

// HostMemory implements backend.HostMemory.
func (e *experts) HostMemory(n int) (b []byte, release func()) { return e.v.pinned.get(n) }

// Load implements backend.Experts.
func (e *experts) Load(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	if err := backend.CheckExpert(e.cfg, id, w); err != nil {
		return err
	}
	format := deviceFormat(w.W1.DType)
	if deviceFormat(w.W2.DType) != format || deviceFormat(w.W3.DType) != format || blockBytes(format) == 0 {
		return fmt.Errorf("expert %v: %w", id, &backend.UnsupportedError{Backend: "cuda",
			Found: fmt.Sprintf("w1 in %v, w2 in %v and w3 in %v", w.W1.DType, w.W2.DType, w.W3.DType), Want: fmt.Sprintf("all three in one of %v", portableFormats)})
	}
	var m *image
	err := e.v.use(func() (err error) {
		m, err = e.loader.load(ctx, w)
		return err
	})
	if err != nil {
		return fmt.Errorf("expert %v, %d bytes on %s: %w", id, e.ExpertBytes(format), e.v.label, err)
	}
	e.mu.Lock()
	old := e.images[id]
	e.images[id] = m
	e.mu.Unlock()
	return e.free(old)
}

// free gives back the memory of an image, which no call uses; nil is none.
func (e *experts) free(m *image) error {
	if m == nil {
		return nil
	}
	return e.v.use(m.memory.Free)
}

// Unload implements backend.Experts. The memory of a lost device is gone already.
func (e *experts) Unload(id moe.ExpertID) error {
	e.mu.Lock()
	m := e.images[id]
	delete(e.images, id)
	e.mu.Unlock()
	return unlessLost(e.free(m))
}

// unlessLost is err, unless it says that the device is lost.
func unlessLost(err error) error {
	var lost *backend.LostError
	if errors.As(err, &lost) {
		return nil
	}
	return err
}

// Close implements backend.Experts.
func (e *experts) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []error
	for _, m := range e.images {
		all = append(all, e.free(m))
	}
	clear(e.images)
	if e.loader != nil {
		all = append(all, e.v.use(e.loader.close))
		e.loader = nil
	}
	for len(e.lanes) > 0 {
		l := <-e.lanes
		all = append(all, e.v.use(l.close))
	}
	return unlessLost(errors.Join(all...))
}

// Run implements model.FFN.
func (e *experts) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	size := e.cfg.Hidden * tensor.BF16.Size()
	if err := backend.CheckRun(groups, x, y, size); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	images := make([]*image, len(groups))
	for i, g := range groups {
		id := moe.ExpertID{Layer: layer, Expert: g.Expert}
		if images[i] = e.images[id]; images[i] == nil {
			return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
		}
	}
	var l *lane
	select {
	case l = <-e.lanes:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.lanes <- l }()
	return e.v.use(func() error {
		for _, p := range passes(groups, images, e.v.kernels.maxTile) {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := len(p.replies) * size
			if err := l.run(p, x, y[:n], size); err != nil {
				return err
			}
			y = y[n:]
		}
		return nil
	})
}
