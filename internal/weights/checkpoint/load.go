package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// errElsewhere is the cause of an attempt to map a file of another place.
var errElsewhere = errors.New("the weights are not in a directory of this machine: they can be loaded, not mapped")

// LoadExpert makes one expert resident: mapped from a directory, or fetched into memory
// of this process. Its bytes are checked against the manifest, if there is one.
func (c *Checkpoint) LoadExpert(ctx context.Context, id moe.ExpertID) (*ExpertMap, error) {
	if err := c.checkExpert(id); err != nil {
		return nil, err
	}
	if c.remote != nil {
		m := &ExpertMap{}
		err := c.fetchAll(ctx, &m.mappings, c.expertSpecs(id), func(s Spec) *tensor.Weight { return expertSlot(&m.Weights, s) })
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		return m, nil
	}
	if err := c.VerifyExpert(ctx, id); err != nil && !errors.Is(err, ErrNoManifest) {
		return nil, err
	}
	m, err := c.MapExpert(id)
	if err != nil {
		return nil, err
	}
	if err := m.Touch(ctx, nil); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// LoadDense makes the attention node's weights resident, as LoadExpert does an expert's.
func (c *Checkpoint) LoadDense(ctx context.Context) (*DenseMap, error) {
	if c.remote != nil {
		m := &DenseMap{}
		m.Weights.Layers = make([]model.LayerWeights, c.config.Layers)
		err := c.fetchAll(ctx, &m.mappings, c.denseSpecs(), func(s Spec) *tensor.Weight { return denseSlot(&m.Weights, s) })
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		return c.finish(m)
	}
	if err := c.VerifyDense(ctx); err != nil && !errors.Is(err, ErrNoManifest) {
		return nil, err
	}
	m, err := c.MapDense()
	if err != nil {
		return nil, err
	}
	if err := m.Touch(ctx, nil); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// CheckDense finds what LoadDense would refuse, of a directory also whether it equals its
// manifest. From elsewhere it fetches small tensors only.
func (c *Checkpoint) CheckDense(ctx context.Context) error {
	if c.remote == nil {
		if err := c.VerifyDense(ctx); err != nil && !errors.Is(err, ErrNoManifest) {
			return err
		}
		m, err := c.MapDense()
		if err != nil {
			return err
		}
		return m.Close()
	}
	m, got := &mappings{}, map[string]*tensor.Weight{}
	specs := slices.DeleteFunc(c.denseSpecs(), func(s Spec) bool { return !mustBeFinite(s) })
	err := c.fetchAll(ctx, m, specs, func(s Spec) *tensor.Weight {
		got[s.Name] = &tensor.Weight{}
		return got[s.Name]
	})
	for _, s := range specs {
		if err == nil {
			err = c.finite(s.Name, *got[s.Name])
		}
	}
	return errors.Join(err, m.unmap())
}

// fetchAll fetches tensors into memory of their own, at the same time. m has all of the
// memory also when one fails.
func (c *Checkpoint) fetchAll(ctx context.Context, m *mappings, specs []Spec, slot func(Spec) *tensor.Weight) error {
	for _, s := range specs {
		t := c.tensors[s.Name]
		mp, err := newMemory(t)
		if err != nil {
			return err
		}
		m.list = append(m.list, mp)
		*slot(s) = tensor.Weight{DType: t.dtype, Rows: t.Rows, Cols: t.Cols, Data: mp.data}
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range specs {
		g.Go(func() error { return c.fetch(ctx, c.tensors[s.Name], m.list[i]) })
	}
	return g.Wait()
}

// fetch fills the memory of a tensor, and write-protects it.
func (c *Checkpoint) fetch(ctx context.Context, t located, mp mapping) error {
	err := c.remote.Tensor(ctx, c.wanted(t), mp.data)
	if err == nil {
		err = os.NewSyscallError("mprotect", unix.Mprotect(mp.whole, unix.PROT_READ))
	}
	if err != nil {
		return &Error{File: t.file.path, Tensor: t.Name, Fault: Unreadable, Err: err}
	}
	return nil
}

// wanted is a tensor as its place is asked for it.
func (c *Checkpoint) wanted(t located) RemoteTensor {
	want := RemoteTensor{Key: c.digest + "/" + t.Name, File: t.file.name, At: t.offset}
	if known := c.manifest.Load(); known != nil {
		want.Sum = known.Tensors[t.Name]
	}
	return want
}

// newMemory reserves private memory for a tensor. The kernel may back it by huge pages,
// as it may the view of a file.
func newMemory(t located) (mapping, error) {
	page := int64(os.Getpagesize())
	whole, err := unix.Mmap(-1, 0, int((t.bytes+page-1)/page*page), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return mapping{}, &Error{File: t.file.path, Tensor: t.Name, Fault: Unreadable, Err: fmt.Errorf("memory of %d bytes: %w", t.bytes, os.NewSyscallError("mmap", err))}
	}
	if t.bytes >= hugePage {
		_ = unix.Madvise(whole, unix.MADV_HUGEPAGE) // a hint
	}
	return mapping{whole: whole, data: whole[:t.bytes:t.bytes], file: t.file.path, tensor: t.Name}, nil
}
