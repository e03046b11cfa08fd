package gguf

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// rows are the rows of a tensor in our order.
type rows struct {
	raw   []byte
	n     int
	cols  int
	size  int // bytes of a row
	moved bool
	dim   int // head dim of a moved matrix
}

// order says where the file keeps each row: pairs of a head's rotary halves lie
// together in q and k.
func (f *File) order(s checkpoint.Spec, raw []byte) rows {
	r := rows{raw: raw, n: s.Rows, cols: s.Cols, size: len(raw) / s.Rows, dim: f.cfg.HeadDim}
	r.moved = arch.Of(f.cfg).GGUF.RotaryPairs && (s.Role == arch.Q || s.Role == arch.K)
	return r
}

// row is our row o.
func (r rows) row(o int) []byte {
	if r.moved {
		head, in := o/r.dim, o%r.dim
		half := r.dim / 2
		o = head*r.dim + in%half*2 + in/half
	}
	return r.raw[o*r.size : (o+1)*r.size]
}

func (r rows) copy() []byte {
	out := make([]byte, 0, len(r.raw))
	for o := range r.n {
		out = append(out, r.row(o)...)
	}
	return out
}

// widen is the matrix in elements of d.
func (r rows) widen(k kind, d tensor.DType) []byte {
	out, row := make([]byte, d.Bytes(r.n, r.cols)), make([]float32, r.cols)
	size := d.Bytes(1, r.cols)
	for o := range r.n {
		widen(row, r.row(o), k)
		tensor.Encode(out[o*size:(o+1)*size], row, d)
	}
	return out
}

// widen reads a row of quantized blocks.
func widen(dst []float32, row []byte, k kind) {
	switch k {
	case kindQ4K:
		widenQ4K(dst, row)
	case kindQ5K:
		widenQ5K(dst, row)
	case kindQ6K:
		widenQ6K(dst, row)
	case kindQ80:
		widenQ80(dst, row)
	case kindQ40:
		widenQ40(dst, row)
	case kindQ41:
		widenQ41(dst, row)
	case kindQ50:
		widenQ50(dst, row)
	case kindQ51:
		widenQ51(dst, row)
	case kindMXFP4:
		widenMXFP4(dst, row)
	}
}

// repack moves rows into the blocks of a format. Rows of padding have scales of
// zero.
func (r rows) repack(d tensor.DType, put func(blocks, row []byte, place int)) []byte {
	out := make([]byte, d.Bytes(r.n, r.cols))
	_, blocks := d.Blocks(r.n, r.cols)
	strip, high := blocks*d.BlockBytes(), d.Format().Rows
	for o := range r.n {
		put(out[o/high*strip:][:strip], r.row(o), o%high)
	}
	return out
}
