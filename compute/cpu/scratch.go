package cpu

import "github.com/hachi-serve/hachi/compute/tensor"

// resize makes a matrix over buf, which grows to the largest that was asked
// for and is then reused. What it held is undefined.
func resize(buf *[]float32, rows, cols int) tensor.Matrix {
	if n := rows * cols; cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return tensor.Matrix{Rows: rows, Cols: cols, Stride: cols, Data: (*buf)[:rows*cols]}
}

// vector decodes a [1, n] weight.
func vector(w tensor.Weight) []float32 {
	v := make([]float32, w.Rows*w.Cols)
	tensor.Decode(v, w.Data, w.DType)
	return v
}
