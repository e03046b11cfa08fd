package sidecar

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

func checkElement(what string, d tensor.DType) error {
	if d != tensor.F32 && d != tensor.BF16 {
		return fmt.Errorf("%s of %v, a helper knows f32 and bf16", what, d)
	}
	return nil
}

// elementOf is the type in which a helper gets weights of a format: f32 for those that
// bf16 cannot hold and a helper does not know otherwise, else bf16.
func elementOf(format tensor.DType) tensor.DType {
	if format == tensor.F32 || format == tensor.F16 {
		return tensor.F32
	}
	return tensor.BF16
}

// elementOfExpert is the type of all matrices of an expert.
func elementOfExpert(w model.ExpertWeights) tensor.DType {
	for _, m := range []tensor.Weight{w.W1, w.W3, w.W2} {
		if elementOf(m.DType) == tensor.F32 {
			return tensor.F32
		}
	}
	return tensor.BF16
}

// writeWeights writes the matrices of an expert to shared memory.
func writeWeights(memory []byte, layout protocol.Matrices, w model.ExpertWeights, to tensor.DType) {
	for i, m := range []tensor.Weight{w.W1, w.W3, w.W2} {
		convert(layout.Matrix(memory, i), m, to)
	}
}

// convert writes a matrix as elements. Blocks are widened to f32; what becomes bf16 is
// rounded to nearest, ties to even.
func convert(dst []byte, m tensor.Weight, to tensor.DType) {
	if m.DType == to {
		copy(dst, m.Data)
		return
	}
	row, size := make([]float32, m.Cols), m.Cols*to.Size()
	for r := range m.Rows {
		if m.DType.Quantized() {
			tensor.Dequantize(row, m, r)
		} else {
			n := m.Cols * m.DType.Size()
			tensor.Decode(row, m.Data[r*n:(r+1)*n], m.DType)
		}
		tensor.Encode(dst[r*size:(r+1)*size], row, to)
	}
}
