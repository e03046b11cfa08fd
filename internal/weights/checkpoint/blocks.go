package checkpoint

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// blocksDType is how safetensors calls the bytes of a quantized matrix. Its
// shape is [strips, blocks, bytes of a block] of package tensor, so the last
// dimension says which type it is.
const blocksDType = "U8"

func blocksOf(shape []int64) (tensor.DType, bool) {
	if len(shape) == 3 {
		for _, d := range tensor.Formats() {
			if d.Quantized() && shape[2] == int64(d.BlockBytes()) {
				return d, true
			}
		}
	}
	return tensor.Invalid, false
}

// Quantizable reports whether a tensor may be in blocks: the matrices of experts
// and attention and the head. Gates decide too much, norms and the embedding
// are read by element.
func (s Spec) Quantizable() bool {
	switch s.Role {
	case arch.W1, arch.W2, arch.W3, arch.Head, arch.Q, arch.K, arch.V, arch.O, arch.DenseW1, arch.DenseW2, arch.DenseW3:
		return true
	}
	return false
}

// ShapeAs is the tensor's shape on disk with elements of d.
func (s Spec) ShapeAs(d tensor.DType) []int64 {
	if !d.Quantized() {
		return s.Shape()
	}
	strips, blocks := d.Blocks(s.Rows, s.Cols)
	return []int64{int64(strips), int64(blocks), int64(d.BlockBytes())}
}

// SafetensorsName is how a header calls elements of d.
func SafetensorsName(d tensor.DType) string {
	for name, known := range computable {
		if known == d {
			return name
		}
	}
	return blocksDType
}
