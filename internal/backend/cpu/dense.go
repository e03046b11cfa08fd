package cpu

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/hachi-serve/hachi/internal/compute/arena"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// DenseOptions sizes a Dense.
type DenseOptions struct {
	Numerics model.Numerics
	Blocks   int // KV blocks of model.BlockSize positions; ReserveKV replaces them
}

// Dense is the attention node's half of the model. It borrows the weights and
// owns the KV cache.
type Dense struct {
	cfg    model.Config
	w      model.DenseWeights
	opts   DenseOptions
	pool   *Pool
	rotary kernel.Rotary
	kv     []kvLayer
	memory *arena.Arena // of kv
	norms  []layerNorms
	norm   []float32
	scale  float32
	s      scratch
	step   step
	loops  loops
}

type layerNorms struct{ input, post, q, k []float32 }

// scratch is the memory of one step, kept for the next.
type scratch struct {
	h, k, v, last        tensor.Matrix
	queries              []int32       // rows of x that attend
	picked, q, attn, out tensor.Matrix // a row for each of queries
	inner                tensor.Matrix // of a dense layer
	cos, sin             []float32
	rows                 []rowAt
	pieces               []piece
}

// rowAt is where a row of the batch stands.
type rowAt struct {
	span     int
	position int
	blocks   []int32
	wanted   bool // its logits
}

// NewDense decodes the norms and reserves the KV cache. The caller closes the Dense.
func NewDense(cfg model.Config, w model.DenseWeights, opts DenseOptions, p *Pool) (*Dense, error) {
	d := &Dense{
		cfg: cfg, w: w, opts: opts, pool: p,
		rotary: kernel.NewRotary(cfg.HeadDim, cfg.RopeTheta),
		norm:   vector(w.Norm),
		scale:  float32(1 / math.Sqrt(float64(cfg.HeadDim))),
	}
	for _, l := range w.Layers {
		d.norms = append(d.norms, layerNorms{vector(l.InputNorm), vector(l.PostNorm), vector(l.QNorm), vector(l.KNorm)})
	}
	d.loops = newLoops(d)
	if err := d.ReserveKV(opts.Blocks); err != nil {
		return nil, err
	}
	return d, nil
}

// ReserveKV implements backend.Dense. It replaces the cache by one of zeros.
func (d *Dense) ReserveKV(blocks int) error {
	if err := d.freeKV(); err != nil {
		return err
	}
	d.opts.Blocks = blocks
	memory, err := arena.New(kvArenaBytes(d.cfg, d.opts))
	if err != nil {
		return fmt.Errorf("KV cache of %d blocks: %w", blocks, err)
	}
	d.memory, d.kv = memory, make([]kvLayer, d.cfg.Layers)
	for i := range d.kv {
		d.kv[i] = newKVLayer(d.cfg, d.opts, memory)
	}
	return nil
}

func (d *Dense) freeKV() error {
	memory := d.memory
	d.kv, d.memory = nil, nil
	return memory.Close()
}

// KVBlockBytes implements backend.Dense.
func (d *Dense) KVBlockBytes() int64 { return kvBlockBytes(d.cfg, d.opts.Numerics) }

// Close implements backend.Dense.
func (d *Dense) Close() error {
	d.w = model.DenseWeights{}
	return d.freeKV()
}

// Embed implements model.Dense.
func (d *Dense) Embed(b *model.Batch, x tensor.Matrix) error {
	if err := b.Check(d.cfg.Vocab); err != nil {
		return err
	}
	d.prepare(b)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // as the workers of a Pool do
	stride := d.w.Embed.Cols * d.w.Embed.DType.Size()
	for i, token := range b.Tokens {
		tensor.Decode(x.Row(i), d.w.Embed.Data[int(token)*stride:(int(token)+1)*stride], d.w.Embed.DType)
	}
	return nil
}

// prepare sizes the scratch and computes the rotations of the batch once for
// all layers.
func (d *Dense) prepare(b *model.Batch) {
	n, c, s := len(b.Tokens), d.cfg, &d.s
	s.rows = s.rows[:0]
	for n, span := range b.Spans {
		for i := range span.N {
			s.rows = append(s.rows, rowAt{span: n, position: span.Start + i, blocks: span.Blocks})
		}
	}
	for _, row := range b.Outputs {
		s.rows[row].wanted = true
	}
	if need := n * c.HeadDim / 2; cap(s.cos) < need {
		s.cos, s.sin = make([]float32, need), make([]float32, need)
	}
	s.cos, s.sin = s.cos[:n*c.HeadDim/2], s.sin[:n*c.HeadDim/2]
	half := c.HeadDim / 2
	for i, r := range s.rows {
		d.rotary.Angles(s.cos[i*half:(i+1)*half], s.sin[i*half:(i+1)*half], r.position)
	}
}

// Attend implements model.Dense.
func (d *Dense) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	if first < 0 || first+x.Rows > len(d.s.rows) {
		return fmt.Errorf("rows %d to %d of a batch of %d", first, first+x.Rows, len(d.s.rows))
	}
	d.step = step{layer: layer, first: first, w: d.w.Layers[layer], x: x, h: h, gate: gate}
	d.chooseQueries(layer, first, x.Rows)
	c, s, n, queries := d.cfg, &d.s, x.Rows, len(d.s.queries)
	s.h, s.out = s.h.Resize(n, c.Hidden), s.out.Resize(queries, c.Hidden)
	s.q, s.attn = s.q.Resize(queries, c.Heads*c.HeadDim), s.attn.Resize(queries, c.Heads*c.HeadDim)
	s.k, s.v = s.k.Resize(n, c.KVHeads*c.HeadDim), s.v.Resize(n, c.KVHeads*c.HeadDim)
	d.pool.hold()
	defer d.pool.release()
	d.pool.run(n, 1, d.loops.norm)
	d.step.in = d.queryInputs()
	d.pool.run((c.Heads+2*c.KVHeads)*c.HeadDim, c.HeadDim, d.loops.qkv)
	d.pool.run(n, 1, d.loops.store)
	d.step.cost = d.cutPieces(first)
	d.pool.run(c.KVHeads*d.step.cost, 1, d.loops.attend)
	d.pool.run(c.Hidden, grain, d.loops.project)
	d.pool.run(queries, 1, d.loops.finish)
	d.step = step{}
	return nil
}

// FeedForward implements model.Dense.
func (d *Dense) FeedForward(layer int, h, x tensor.Matrix) error {
	d.s.inner, d.s.out = d.s.inner.Resize(x.Rows, d.cfg.DenseFFN), d.s.out.Resize(x.Rows, d.cfg.Hidden)
	d.step = step{layer: layer, w: d.w.Layers[layer], x: x, h: h}
	d.pool.hold()
	defer d.pool.release()
	d.pool.run(d.cfg.DenseFFN, grain, d.loops.up)
	d.pool.run(d.cfg.Hidden, grain, d.loops.down)
	d.pool.run(x.Rows, 1, d.loops.addOut)
	d.step = step{}
	return nil
}

// Head implements model.Dense.
func (d *Dense) Head(b *model.Batch, x, logits tensor.Matrix) error {
	d.s.last = d.s.last.Resize(len(b.Outputs), d.cfg.Hidden)
	d.step = step{x: x, outputs: b.Outputs, logits: logits}
	d.pool.hold()
	defer d.pool.release()
	d.pool.run(len(b.Outputs), 1, d.loops.headNorm)
	d.pool.run(d.cfg.Vocab, grain, d.loops.head)
	d.step = step{}
	return nil
}

// vector decodes a [1, n] weight; nil for one that the model does not have.
func vector(w tensor.Weight) []float32 {
	if w.Rows == 0 {
		return nil
	}
	v := make([]float32, w.Rows*w.Cols)
	tensor.Decode(v, w.Data, w.DType)
	return v
}
