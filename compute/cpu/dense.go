package cpu

import (
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
)

// DenseOptions sizes a Dense.
type DenseOptions struct {
	Numerics model.Numerics
	Blocks   int // KV blocks of model.BlockSize positions
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
	norms  []layerNorms
	norm   []float32
	scale  float32
	s      scratch
}

type layerNorms struct{ input, post []float32 }

// scratch is the memory of one step, kept for the next.
type scratch struct {
	h, q, k, v, attn, out tensor.Matrix
	cos, sin              []float32
	rows                  []rowAt
}

// rowAt is where a row of the batch stands.
type rowAt struct {
	position int
	blocks   []int32
}

// NewDense decodes the norms and allocates the KV cache.
func NewDense(cfg model.Config, w model.DenseWeights, opts DenseOptions, p *Pool) *Dense {
	d := &Dense{
		cfg: cfg, w: w, opts: opts, pool: p,
		rotary: kernel.NewRotary(cfg.HeadDim, cfg.RopeTheta),
		norm:   vector(w.Norm),
		scale:  float32(1 / math.Sqrt(float64(cfg.HeadDim))),
	}
	for _, l := range w.Layers {
		d.norms = append(d.norms, layerNorms{vector(l.InputNorm), vector(l.PostNorm)})
		d.kv = append(d.kv, newKVLayer(cfg, opts))
	}
	return d
}

// KVBlockBytes is the memory one block takes over all layers.
func KVBlockBytes(cfg model.Config, n model.Numerics) int64 {
	return 2 * int64(cfg.Layers) * int64(cfg.KVHeads) * model.BlockSize * int64(cfg.HeadDim) * int64(n.KV.Size())
}

// Embed implements model.Dense.
func (d *Dense) Embed(b *model.Batch, x tensor.Matrix) error {
	if err := d.prepare(b); err != nil {
		return err
	}
	stride := d.w.Embed.Cols * d.w.Embed.DType.Size()
	for i, token := range b.Tokens {
		if token < 0 || int(token) >= d.cfg.Vocab {
			return fmt.Errorf("token %d is outside the vocabulary of %d", token, d.cfg.Vocab)
		}
		tensor.Decode(x.Row(i), d.w.Embed.Data[int(token)*stride:(int(token)+1)*stride], d.w.Embed.DType)
	}
	return nil
}

// prepare sizes the scratch and computes the rotations of the batch once for
// all layers.
func (d *Dense) prepare(b *model.Batch) error {
	n, c, s := len(b.Tokens), d.cfg, &d.s
	s.rows = s.rows[:0]
	for _, span := range b.Spans {
		if need := span.Start + span.N; len(span.Blocks)*model.BlockSize < need {
			return fmt.Errorf("block table of %d blocks does not reach position %d", len(span.Blocks), need)
		}
		for i := range span.N {
			s.rows = append(s.rows, rowAt{span.Start + i, span.Blocks})
		}
	}
	if len(s.rows) != n {
		return fmt.Errorf("spans of %d rows for %d tokens", len(s.rows), n)
	}
	if s.h.Rows != n {
		s.h, s.out = tensor.NewMatrix(n, c.Hidden), tensor.NewMatrix(n, c.Hidden)
		s.q, s.attn = tensor.NewMatrix(n, c.Heads*c.HeadDim), tensor.NewMatrix(n, c.Heads*c.HeadDim)
		s.k, s.v = tensor.NewMatrix(n, c.KVHeads*c.HeadDim), tensor.NewMatrix(n, c.KVHeads*c.HeadDim)
		s.cos, s.sin = make([]float32, n*c.HeadDim/2), make([]float32, n*c.HeadDim/2)
	}
	half := c.HeadDim / 2
	for i, r := range s.rows {
		d.rotary.Angles(s.cos[i*half:(i+1)*half], s.sin[i*half:(i+1)*half], r.position)
	}
	return nil
}

// Attend implements model.Dense.
func (d *Dense) Attend(layer int, b *model.Batch, x, h, gate tensor.Matrix) error {
	w, s, eps := d.w.Layers[layer], &d.s, float32(d.cfg.NormEps)
	for i := range x.Rows {
		kernel.RMSNorm(s.h.Row(i), x.Row(i), d.norms[layer].input, eps)
	}
	d.pool.matmul(s.q, s.h, w.Q)
	d.pool.matmul(s.k, s.h, w.K)
	d.pool.matmul(s.v, s.h, w.V)
	d.rotateAndStore(layer)
	d.attend(layer)
	d.pool.matmul(s.out, s.attn, w.O)
	for i := range x.Rows {
		row := x.Row(i)
		for j, v := range s.out.Row(i) {
			row[j] += v
		}
		kernel.RMSNorm(h.Row(i), row, d.norms[layer].post, eps)
		tensor.Round(h.Row(i), d.opts.Numerics.Wire)
	}
	d.pool.matmul(gate, h, w.Gate)
	return nil
}

// rotateAndStore applies positions to q and k and writes k and v to the cache.
func (d *Dense) rotateAndStore(layer int) {
	c, s, half := d.cfg, &d.s, d.cfg.HeadDim/2
	for i, at := range s.rows {
		cos, sin := s.cos[i*half:(i+1)*half], s.sin[i*half:(i+1)*half]
		q, k, v := s.q.Row(i), s.k.Row(i), s.v.Row(i)
		for head := range c.Heads {
			kernel.Rotate(q[head*c.HeadDim:(head+1)*c.HeadDim], cos, sin)
		}
		for head := range c.KVHeads {
			from, to := head*c.HeadDim, (head+1)*c.HeadDim
			kernel.Rotate(k[from:to], cos, sin)
			d.kv[layer].put(at, head, k[from:to], v[from:to])
		}
	}
}

// attend computes every (row, KV head) pair; the query heads of a group share
// the decoded tiles.
func (d *Dense) attend(layer int) {
	c, s := d.cfg, &d.s
	group := c.Heads / c.KVHeads
	d.pool.Run(len(s.rows)*c.KVHeads, func(lo, hi int) {
		t := newTiles(group, c.HeadDim)
		for i := lo; i < hi; i++ {
			row, head := i/c.KVHeads, i%c.KVHeads
			at := s.rows[row]
			first := 0
			if c.SlidingWindow > 0 {
				first = max(0, at.position-c.SlidingWindow+1)
			}
			width := group * c.HeadDim
			q, out := s.q.Row(row)[head*width:(head+1)*width], s.attn.Row(row)[head*width:(head+1)*width]
			t.attend(out, q, &d.kv[layer], at, head, first, d.scale)
		}
	})
}

// Head implements model.Dense.
func (d *Dense) Head(b *model.Batch, x, logits tensor.Matrix) error {
	last := tensor.NewMatrix(len(b.Outputs), d.cfg.Hidden)
	for i, row := range b.Outputs {
		kernel.RMSNorm(last.Row(i), x.Row(int(row)), d.norm, float32(d.cfg.NormEps))
	}
	d.pool.matmul(logits, last, d.w.Head)
	return nil
}
