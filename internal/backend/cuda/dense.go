package cuda

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
)

// dense implements backend.Dense. The residual stream stays with the caller: rows of it
// go to the device for each call, and come back.
type dense struct {
	v        *device
	cfg      model.Config
	numerics model.Numerics
	width    int // of a head, padded
	embed    tensor.Weight
	rotary   kernel.Rotary
	limits   passLimits

	layers []denseLayer
	norm   driver.Pointer
	head   matrix
	lane   *denseLane
	closes []driver.Closer // weights

	cache  *driver.Buffer // pages of every layer; nil until reserved
	blocks int

	rows  []stepRow // of the step
	plans []densePlan
}

// densePlan is how rows of the step are cut, the same in every layer.
type densePlan struct {
	first, rows int
	passes      []densePass
}

func newDense(v *device, cfg model.Config, n model.Numerics, w model.DenseWeights) (_ *dense, err error) {
	d := &dense{v: v, cfg: cfg, numerics: n, embed: w.Embed, rotary: kernel.NewRotary(cfg.HeadDim, cfg.RopeTheta)}
	if d.width, err = checkDense(cfg, n, w); err != nil {
		return nil, err
	}
	d.limits = passLimits{rows: maxRows, slots: d.maxSlots(), pages: max(maxPages, cfg.MaxContext/model.BlockSize+1), window: cfg.SlidingWindow, group: cfg.Heads / cfg.KVHeads}
	if err := v.use(func() error { return d.open(w) }); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: weights of attention: %w", v.label, err), d.Close())
	}
	return d, nil
}

// checkDense refuses what no kernel computes, and returns the padded width of a head.
func checkDense(cfg model.Config, n model.Numerics, w model.DenseWeights) (width int, err error) {
	refuse := func(found, want string) (int, error) {
		return 0, &backend.UnsupportedError{Backend: "cuda", Found: found, Want: want}
	}
	const useCPU = "start the router with another backend"
	if n.Wire != tensor.BF16 {
		return refuse(fmt.Sprintf("rows in %v", n.Wire), "tensor cores multiply bf16: use a checkpoint in bf16")
	}
	if n.KV != tensor.KVBF16 && n.KV != tensor.KVInt8 {
		return refuse(fmt.Sprintf("a KV cache in %v", n.KV), "use --kv-cache-dtype bf16 or int8")
	}
	if len(cfg.DenseLayers) > 0 && n.FFNActivation != tensor.BF16 {
		return refuse(fmt.Sprintf("FFN activations in %v", n.FFNActivation), "start every process of the cluster with --ffn-activation-dtype bf16")
	}
	all := []tensor.Weight{w.Embed, w.Head}
	for _, l := range w.Layers {
		all = append(all, l.Q, l.K, l.V, l.O, l.Gate, l.Dense.W1, l.Dense.W2, l.Dense.W3)
	}
	for _, m := range all {
		if m.Rows > 0 && m.DType != tensor.BF16 {
			return refuse(fmt.Sprintf("attention with weights in %v", m.DType), "tensor cores multiply bf16: use a checkpoint in bf16")
		}
	}
	for _, width := range headWidths {
		if cfg.HeadDim <= width {
			return width, nil
		}
	}
	return refuse(fmt.Sprintf("heads of %d elements", cfg.HeadDim), useCPU)
}

// open copies the weights and allocates the memory of calls.
func (d *dense) open(w model.DenseWeights) (err error) {
	l, err := newLoader(d.v, shape{}, chunk)
	if err != nil {
		return err
	}
	loading := &denseLoader{loader: l}
	err = d.load(context.Background(), loading, w)
	d.closes = loading.closes
	if err == nil {
		err = d.v.await(l.stream, l.free[l.turn])
	}
	if err != nil {
		return d.v.closing(err, []driver.Closer{l.close})
	}
	if err := l.close(); err != nil {
		return err
	}
	d.lane, err = newDenseLane(d)
	return err
}

func (d *dense) load(ctx context.Context, l *denseLoader, w model.DenseWeights) (err error) {
	for i, from := range w.Layers {
		layer, err := l.layer(ctx, d.cfg, from, d.cfg.IsDense(i))
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		d.layers = append(d.layers, layer)
	}
	if d.norm, err = l.vector(ctx, w.Norm, padded(d.cfg.Hidden)); err != nil {
		return err
	}
	d.head, err = l.stack(ctx, w.Head)
	return err
}

// KVBlockBytes implements backend.Dense.
func (d *dense) KVBlockBytes() int64 {
	return int64(d.cfg.Layers) * int64(d.cfg.KVHeads) * int64(pageBytes(d.numerics.KV, d.width))
}

// CacheCapacity implements backend.OwnCache.
func (d *dense) CacheCapacity() (free int64, err error) {
	err = d.v.use(func() error {
		bytes, err := d.v.FreeMemory()
		free = max(0, int64(bytes)-margin)
		return err
	})
	return free, err
}

// ReserveKV implements backend.Dense. It replaces the cache by one of zeros.
func (d *dense) ReserveKV(blocks int) error {
	return d.v.use(func() error {
		if err := d.freeKV(); err != nil {
			return err
		}
		cache, err := d.v.Alloc(blocks * int(d.KVBlockBytes()))
		if err != nil {
			return fmt.Errorf("%s: KV cache of %d blocks, %d bytes: %w", d.v.label, blocks, int64(blocks)*d.KVBlockBytes(), err)
		}
		d.cache, d.blocks = cache, blocks
		if err := d.lane.stream.Clear(cache); err != nil {
			return err
		}
		return d.lane.await()
	})
}

// kvPointer is where the cache of a layer begins.
func (d *dense) kvPointer(layer int) driver.Pointer {
	return d.cache.Pointer + driver.Pointer(layer*d.blocks*d.cfg.KVHeads*pageBytes(d.numerics.KV, d.width))
}

func (d *dense) freeKV() error {
	if d.cache == nil {
		return nil
	}
	cache := d.cache
	d.cache = nil
	return cache.Free()
}

// Close implements backend.Dense. The memory of a lost device is gone already.
func (d *dense) Close() error {
	return unlessLost(d.v.use(func() error {
		all := []error{d.freeKV()}
		if d.lane != nil {
			all = append(all, d.lane.close())
			d.lane = nil
		}
		all = append(all, driver.CloseAll(d.closes))
		d.closes, d.embed = nil, tensor.Weight{}
		return errors.Join(all...)
	}))
}

// Embed implements model.Dense: the processor looks up the tokens.
func (d *dense) Embed(b *model.Batch, x tensor.Matrix) error {
	if err := b.Check(d.cfg.Vocab); err != nil {
		return err
	}
	d.rows, d.plans = stepRows(b), nil
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a page of a mapped file that was cut, or whose disk failed
	size := 2 * d.embed.Cols
	for i, token := range b.Tokens {
		tensor.Decode(x.Row(i), d.embed.Data[int(token)*size:(int(token)+1)*size], tensor.BF16)
	}
	return nil
}

// Attend implements model.Dense. It computes all rows of the last layer too, wanted or not.
func (d *dense) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	if first < 0 || first+x.Rows > len(d.rows) {
		return fmt.Errorf("rows %d to %d of a batch of %d", first, first+x.Rows, len(d.rows))
	}
	return d.v.use(func() error {
		for _, p := range d.plan(first, x.Rows) {
			lo := p.first - first
			hi := lo + p.rows
			in := attention{layer: layer, pass: p, x: x.Slice(lo, hi), h: h.Slice(lo, hi)}
			if !d.cfg.IsDense(layer) {
				in.gate = gate.Slice(lo, hi)
			}
			if err := d.lane.attend(in); err != nil {
				return err
			}
		}
		return nil
	})
}

// plan cuts rows once for all layers.
func (d *dense) plan(first, rows int) []densePass {
	for _, p := range d.plans {
		if p.first == first && p.rows == rows {
			return p.passes
		}
	}
	p := densePlan{first, rows, densePasses(d.rows, first, rows, d.limits)}
	d.plans = append(d.plans, p)
	return p.passes
}

// FeedForward implements model.Dense.
func (d *dense) FeedForward(layer int, h, x tensor.Matrix) error {
	return d.inPasses(x.Rows, maxRows, func(lo, hi int) error { return d.lane.feedForward(layer, h.Slice(lo, hi), x.Slice(lo, hi)) })
}

// Head implements model.Dense.
func (d *dense) Head(b *model.Batch, x, logits tensor.Matrix) error {
	return d.inPasses(len(b.Outputs), maxOutputs, func(lo, hi int) error { return d.lane.logits(b.Outputs[lo:hi], x, logits.Slice(lo, hi)) })
}

// inPasses calls f for at most most of n rows at a time.
func (d *dense) inPasses(n, most int, f func(lo, hi int) error) error {
	return d.v.use(func() error {
		for lo := 0; lo < n; lo += most {
			if err := f(lo, min(lo+most, n)); err != nil {
				return err
			}
		}
		return nil
	})
}
