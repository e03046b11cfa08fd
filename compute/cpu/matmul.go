package cpu

import (
	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/compute/tensor"
)

// matmul writes y [rows, w.Rows] = x [rows, w.Cols] times w transposed. A
// weight row is decoded once and used for every row of x.
func (p *Pool) matmul(y, x tensor.Matrix, w tensor.Weight) {
	stride := w.Cols * w.DType.Size()
	p.Run(w.Rows, func(lo, hi int) {
		row := make([]float32, w.Cols)
		for o := lo; o < hi; o++ {
			tensor.Decode(row, w.Data[o*stride:(o+1)*stride], w.DType)
			for i := range x.Rows {
				y.Data[i*y.Stride+o] = kernel.Dot(x.Row(i), row)
			}
		}
	})
}

// vector decodes a [1, n] weight.
func vector(w tensor.Weight) []float32 {
	v := make([]float32, w.Rows*w.Cols)
	tensor.Decode(v, w.Data, w.DType)
	return v
}
