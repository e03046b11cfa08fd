package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// heldRows names the rows of x that a Scratch holds in packed form. It compares
// by address, so it is valid only while the caller keeps the promise of Hold.
type heldRows struct {
	on           bool
	x            *float32
	rows, stride int
	cols         int
	dtype        tensor.DType // of the weights that the rows are packed for
}

// Hold is the promise that the rows which products read do not change until
// Release. Rows that are multiplied with w piece by piece are then packed once.
func (s *Scratch) Hold() {
	s.held = heldRows{on: true}
	s.ints.key, s.ints.otherKey = heldRows{}, heldRows{}
}

// Release ends Hold.
func (s *Scratch) Release() { s.held = heldRows{} }

// replace reports whether x is held, packed for weights of d. If it is not, x
// takes the place of what was held: the caller packs it now.
func (h *heldRows) replace(x tensor.Matrix, d tensor.DType) bool {
	if !h.on {
		return false
	}
	next := heldRows{true, unsafe.SliceData(x.Data), x.Rows, x.Stride, x.Cols, d}
	if *h == next {
		return true
	}
	*h = next
	return false
}

// recall swaps the two buffers of quantized rows and reports whether the one in
// front now holds the rows of h. There are two because the rows of a run come as
// up to two blocks, which alternate for every piece of the outputs.
func (in *intScratch) recall(h heldRows) bool {
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
