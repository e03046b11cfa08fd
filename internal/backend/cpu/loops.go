package cpu

import (
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// step is what the loops of one call read.
type step struct {
	layer      int
	first      int // row of the batch at which x begins
	cost       int // of attention, for one key head
	w          model.LayerWeights
	x, h, gate tensor.Matrix
	outputs    []int32
	logits     tensor.Matrix
}

// loops are the parts of a layer that the pool splits. They are made once,
// since a closure per step would be garbage per step.
type loops struct {
	norm, store, finish, headNorm, addOut loop // over rows
	qkv, project, head, up, down          loop // over outputs
	attend                                loop // over the cost of pieces of key heads
}

func newLoops(d *Dense) loops {
	return loops{
		norm: d.normRows, store: d.storeRows, finish: d.finishRows, headNorm: d.headNormRows,
		qkv: d.qkv, project: d.project, head: d.head, attend: d.attend,
		up: d.up, down: d.down, addOut: d.addOut,
	}
}

func (d *Dense) normRows(w *worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		w.k.RMSNorm(w.s, d.s.h.Row(i), d.step.x.Row(i), d.norms[d.step.layer].input, float32(d.cfg.NormEps))
		w.k.Round(d.s.h.Row(i), d.opts.Numerics.DenseActivation)
	}
}

// qkv computes outputs lo..hi-1 of q, k and v laid end to end.
func (d *Dense) qkv(w *worker, lo, hi int) {
	for _, p := range [...]struct {
		y tensor.Matrix
		w tensor.Weight
	}{{d.s.q, d.step.w.Q}, {d.s.k, d.step.w.K}, {d.s.v, d.step.w.V}} {
		if from, to := max(lo, 0), min(hi, p.w.Rows); from < to {
			w.k.MatMul(w.s, p.y, d.s.h, p.w, from, to)
		}
		lo, hi = lo-p.w.Rows, hi-p.w.Rows
	}
}

// storeRows norms the heads of q and k if the model does, applies positions to q and k and writes k and v to the cache.
func (d *Dense) storeRows(w *worker, lo, hi int) {
	c, s, half := d.cfg, &d.s, d.cfg.HeadDim/2
	for i := lo; i < hi; i++ {
		row := d.step.first + i
		cos, sin := s.cos[row*half:(row+1)*half], s.sin[row*half:(row+1)*half]
		q, k, v := s.q.Row(i), s.k.Row(i), s.v.Row(i)
		if c.QKNorm {
			d.normHeads(w, q, d.norms[d.step.layer].q)
			d.normHeads(w, k, d.norms[d.step.layer].k)
		}
		for head := range c.Heads {
			kernel.Rotate(q[head*c.HeadDim:(head+1)*c.HeadDim], cos, sin)
		}
		for head := range c.KVHeads {
			from, to := head*c.HeadDim, (head+1)*c.HeadDim
			kernel.Rotate(k[from:to], cos, sin)
			d.kv[d.step.layer].put(s.rows[row], head, k[from:to], v[from:to])
		}
	}
}

// normHeads norms every head of a row by itself.
func (d *Dense) normHeads(w *worker, row, gain []float32) {
	for ; len(row) > 0; row = row[d.cfg.HeadDim:] {
		head := row[:d.cfg.HeadDim]
		w.k.RMSNorm(w.s, head, head, gain, float32(d.cfg.NormEps))
	}
}

// up and down compute the feed-forward network of a layer without experts.
func (d *Dense) up(w *worker, lo, hi int) {
	w.k.SwiGLU(w.s, d.s.inner, d.step.h, d.step.w.Dense.W1, d.step.w.Dense.W3, lo, hi)
	for i := range d.s.inner.Rows {
		w.k.Round(d.s.inner.Row(i)[lo:hi], d.opts.Numerics.FFNActivation)
	}
}

func (d *Dense) down(w *worker, lo, hi int) {
	w.k.MatMul(w.s, d.s.out, d.s.inner, d.step.w.Dense.W2, lo, hi)
}

func (d *Dense) addOut(w *worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		w.k.Add(d.step.x.Row(i), d.s.out.Row(i))
	}
}

func (d *Dense) project(w *worker, lo, hi int) {
	w.k.MatMul(w.s, d.s.out, d.s.attn, d.step.w.O, lo, hi)
}

// finishRows adds the attention to the residual and prepares the experts' rows
// and their gate.
func (d *Dense) finishRows(w *worker, lo, hi int) {
	x, h := d.step.x, d.step.h
	for i := lo; i < hi; i++ {
		w.k.Add(x.Row(i), d.s.out.Row(i))
		w.k.RMSNorm(w.s, h.Row(i), x.Row(i), d.norms[d.step.layer].post, float32(d.cfg.NormEps))
		w.k.Round(h.Row(i), d.opts.Numerics.Wire)
	}
	if gate := d.step.w.Gate; gate.Rows > 0 { // a dense layer has none
		w.k.MatMul(w.s, d.step.gate.Slice(lo, hi), h.Slice(lo, hi), gate, 0, gate.Rows)
	}
}

func (d *Dense) headNormRows(w *worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		w.k.RMSNorm(w.s, d.s.last.Row(i), d.step.x.Row(int(d.step.outputs[i])), d.norm, float32(d.cfg.NormEps))
		w.k.Round(d.s.last.Row(i), d.opts.Numerics.DenseActivation)
	}
}

func (d *Dense) head(w *worker, lo, hi int) {
	w.k.MatMul(w.s, d.step.logits, d.s.last, d.w.Head, lo, hi)
}
