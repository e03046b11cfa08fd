package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
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
func (s *Scratch) Hold() {
	s.hold = hold{on: true}
	s.ints.key, s.ints.otherKey = hold{}, hold{}
}

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

// recall turns to the other buffer of packed integers and reports whether it
// holds the rows of h. There are two, since rows of one run come in up to two
// blocks, again and again for every piece of the outputs.
func (in *intScratch) recall(h hold) bool {
	if !h.on {
		return false
	}
	in.key, in.otherKey = in.otherKey, in.key
	in.packed, in.other = in.other, in.packed
	if in.key == h {
		return true
	}
	in.key = h
	return false
}
