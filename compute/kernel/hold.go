package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// hold remembers which rows a Scratch has packed.
type hold struct {
	on           bool
	x            *float32
	rows, stride int
	cols         int
	dtype        tensor.DType
}

// Hold promises that rows which products read do not change until Release. So
// rows that are multiplied piece by piece are packed once.
func (s *Scratch) Hold() { s.hold = hold{on: true} }

// Release ends Hold.
func (s *Scratch) Release() { s.hold = hold{} }

// packed reports whether the rows are packed already, and takes them as packed
// from now on.
func (h *hold) packed(x tensor.Matrix, d tensor.DType) bool {
	if !h.on {
		return false
	}
	next := hold{true, unsafe.SliceData(x.Data), x.Rows, x.Stride, x.Cols, d}
	if *h == next {
		return true
	}
	*h = next
	return false
}
