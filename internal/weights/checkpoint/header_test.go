package checkpoint

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// TestAHeaderIsReadAsItWasWritten: matrices, a vector, and blocks, which have a
// shape of their own.
func TestAHeaderIsReadAsItWasWritten(t *testing.T) {
	stored := []Stored{
		{Spec{arch.Tensor{Name: "a", Rows: 64, Cols: 96}}, tensor.BF16},
		{Spec{arch.Tensor{Name: "b", Rows: 1, Cols: 64, Vector: true}}, tensor.F32},
		{Spec{arch.Tensor{Name: "c", Rows: 64, Cols: 96}}, tensor.Int8},
		{Spec{arch.Tensor{Name: "d", Rows: 64, Cols: 96}}, tensor.Int4},
	}
	header, end := Header(stored), int64(0)
	for _, s := range stored {
		end += int64(s.DType.Bytes(s.Spec.Rows, s.Spec.Cols))
	}
	if len(header)%headerAlign != 0 {
		t.Errorf("the first tensor begins at %d, want a multiple of %d", len(header), headerAlign)
	}
	file := append(header, make([]byte, end)...)
	entries, _, start, err := readHeader("f", bytes.NewReader(file), int64(len(file)))
	if err != nil || start != int64(len(header)) || len(entries) != len(stored) {
		t.Fatalf("%d entries, data from %d, %v; want %d from %d", len(entries), start, err, len(stored), len(header))
	}
	at := int64(0)
	for i, e := range entries {
		s := stored[i]
		next := at + int64(s.DType.Bytes(s.Spec.Rows, s.Spec.Cols))
		if e.name != s.Spec.Name || e.dtype != SafetensorsName(s.DType) || !slices.Equal(e.shape, s.Spec.ShapeAs(s.DType)) || e.begin != at || e.end != next {
			t.Errorf("%+v was written as %+v", s, e)
		}
		at = next
	}
}
