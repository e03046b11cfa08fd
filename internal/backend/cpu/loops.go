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
	in         tensor.Matrix // what queries are made of
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
		y, x tensor.Matrix
		w    tensor.Weight
	}{{d.s.q, d.step.in, d.step.w.Q}, {d.s.k, d.s.h, d.step.w.K}, {d.s.v, d.s.h, d.step.w.V}} {
		if from, to := max(lo, 0), min(hi, p.w.Rows); from < to {
			w.k.MatMul(w.s, p.y, p.x, p.w, from, to)
		}
		lo, hi = lo-p.w.Rows, hi-p.w.Rows
	}
}

// storeRows applies positions to k and q, and writes k and v to the cache. There are
// at most as many queries as rows.
func (d *Dense) storeRows(w *worker, lo, hi int) {
	s, dim := &d.s, d.cfg.HeadDim
	for i := lo; i < hi; i++ {
		row := d.step.first + i
		k, v := s.k.Row(i), s.v.Row(i)
		d.place(w, k, d.norms[d.step.layer].k, row)
		for head := range d.cfg.KVHeads {
			d.kv[d.step.layer].put(s.rows[row], head, k[head*dim:(head+1)*dim], v[head*dim:(head+1)*dim])
		}
		if i < len(s.queries) {
			d.place(w, s.q.Row(i), d.norms[d.step.layer].q, d.step.first+int(s.queries[i]))
		}
	}
}

// place norms every head by itself, if the model does, and rotates it to the position
// of a row of the step.
func (d *Dense) place(w *worker, heads, gain []float32, row int) {
	half := d.cfg.HeadDim / 2
	cos, sin := d.s.cos[row*half:(row+1)*half], d.s.sin[row*half:(row+1)*half]
	for ; len(heads) > 0; heads = heads[d.cfg.HeadDim:] {
		head := heads[:d.cfg.HeadDim]
		if d.cfg.QKNorm {
			w.k.RMSNorm(w.s, head, head, gain, float32(d.cfg.NormEps))
		}
		kernel.Rotate(head, cos, sin)
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
		row := int(d.s.queries[i])
		w.k.Add(x.Row(row), d.s.out.Row(i))
		w.k.RMSNorm(w.s, h.Row(row), x.Row(row), d.norms[d.step.layer].post, float32(d.cfg.NormEps))
		w.k.Round(h.Row(row), d.opts.Numerics.Wire)
	}
	gate := d.step.w.Gate
	if gate.Rows == 0 { // a dense layer has none
		return
	}
	for rows := d.s.queries[lo:hi]; len(rows) > 0; {
		n := consecutive(rows)
		from, to := int(rows[0]), int(rows[0])+n
		w.k.MatMul(w.s, d.step.gate.Slice(from, to), h.Slice(from, to), gate, 0, gate.Rows)
		rows = rows[n:]
	}
}

// consecutive is how many of some ascending rows, from the first on, have no other
// between them.
func consecutive(rows []int32) int {
	n := 1
	for n < len(rows) && rows[n] == rows[n-1]+1 {
		n++
	}
	return n
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
