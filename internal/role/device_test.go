package role

import (
	"context"
	"errors"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// ownDevice has experts in memory of its own, and may fail.
type ownDevice struct {
	backend.Experts
	capacity int64
	failed   chan error
}

func (d ownDevice) Capacity() int64                       { return d.capacity }
func (d ownDevice) ExpertBytes(format tensor.DType) int64 { return int64(format) }
func (d ownDevice) Failed() <-chan error                  { return d.failed }

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

func TestANodeEndsWithItsDevice(t *testing.T) {
	reason, other := errors.New("the chip is gone"), errors.New("left")
	d := ownDevice{failed: make(chan error, 1)}
	ctx, ended := untilFailed(t.Context(), d)
	if err := ctx.Err(); err != nil {
		t.Fatal(err)
	}
	d.failed <- reason
	<-ctx.Done()
	if err := ended(other); !errors.Is(err, reason) || !errors.Is(err, other) {
		t.Errorf("%v, want both reasons", err)
	}
	outer, stop := context.WithCancel(t.Context())
	ctx, ended = untilFailed(outer, d)
	stop()
	<-ctx.Done()
	if err := ended(nil); err != nil {
		t.Errorf("a node that was stopped: %v", err)
	}
	if ctx, ended = untilFailed(t.Context(), struct{ backend.Experts }{}); ctx != t.Context() || ended(other) != other {
		t.Error("a device that does not fail changes the end of a node")
	}
}
