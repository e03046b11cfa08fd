package cuda

import (
	"sync"

	"github.com/hachi-serve/hachi/internal/compute/arena"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// deviceFormat is the format in which a format lies on the device: int4-affine as
// bf16(d*a*q - m*b), every other as it is.
func deviceFormat(format tensor.DType) tensor.DType {
	if format == tensor.Int4Affine {
		return tensor.BF16
	}
	return format
}

// toDevice converts an expert to the device's format, by some threads. What is converted
// lies in memory of its own, outside the Go heap, which the caller closes; nil is none.
func toDevice(w model.ExpertWeights, threads int) (model.ExpertWeights, *arena.Arena, error) {
	matrices, size := []*tensor.Weight{&w.W1, &w.W2, &w.W3}, int64(0)
	for _, m := range matrices {
		if to := deviceFormat(m.DType); to != m.DType {
			size += arena.Size(to.Bytes(m.Rows, m.Cols))
		}
	}
	if size == 0 {
		return w, nil, nil
	}
	memory, err := arena.New(size)
	if err != nil {
		return w, nil, err
	}
	for _, m := range matrices {
		if to := deviceFormat(m.DType); to != m.DType {
			*m = inBF16(*m, memory.Bytes(to.Bytes(m.Rows, m.Cols)), threads)
		}
	}
	return w, memory, nil
}

// inBF16 is a matrix in bf16, written to dst.
func inBF16(m tensor.Weight, dst []byte, threads int) tensor.Weight {
	var all sync.WaitGroup
	for first := range threads {
		all.Go(func() {
			row := make([]float32, m.Cols)
			for r := first; r < m.Rows; r += threads {
				tensor.Dequantize(row, m, r)
				tensor.Encode(dst[2*r*m.Cols:2*(r+1)*m.Cols], row, tensor.BF16)
			}
		})
	}
	all.Wait()
	return tensor.Weight{DType: tensor.BF16, Rows: m.Rows, Cols: m.Cols, Data: dst}
}
