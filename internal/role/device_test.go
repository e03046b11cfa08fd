package role

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// ownDevice has experts in memory of its own.
type ownDevice struct {
	backend.Experts
	capacity int64
}

func (d ownDevice) Capacity() int64                       { return d.capacity }
func (d ownDevice) ExpertBytes(format tensor.DType) int64 { return int64(format) }

func TestTheMemoryOfADeviceIsTheCapacity(t *testing.T) {
	for _, tt := range []struct {
		device   int64
		limit    Size
		quantize tensor.DType
		want     Size
		expert   int64
	}{
		{0, 0, tensor.Invalid, 0, int64(tensor.BF16)},
		{7, 0, tensor.Invalid, 7, int64(tensor.BF16)},
		{7, 9, tensor.Int8, 7, int64(tensor.Int8)},
		{7, 5, tensor.Invalid, 5, int64(tensor.BF16)},
		{0, 5, tensor.Invalid, 5, int64(tensor.BF16)},
	} {
		w := weights{quantize: tt.quantize}
		w.cfg.DType = tensor.BF16
		limit := tt.limit
		w.accountFor(ownDevice{capacity: tt.device}, &limit)
		if limit != tt.want || w.expertBytes() != tt.expert {
			t.Errorf("%+v: capacity %d, an expert takes %d", tt, limit, w.expertBytes())
		}
	}
}
