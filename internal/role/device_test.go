package role

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// ownDevice has experts in memory of its own.
type ownDevice struct {
	backend.Experts
	capacity int64
	borrows  bool
}

func (d ownDevice) Borrows() bool                         { return d.borrows }
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

// cacheOnDevice is a Dense with its KV cache in the memory of a device.
type cacheOnDevice struct {
	backend.Dense
	free int64
}

func (d cacheOnDevice) CacheCapacity() (int64, error) { return d.free, nil }
func (cacheOnDevice) KVBlockBytes() int64             { return 1000 }
func (cacheOnDevice) ReserveKV(int) error             { return nil }

// TestTheKVCacheFitsTheDevice, and takes no memory of the process.
func TestTheKVCacheFitsTheDevice(t *testing.T) {
	for _, tt := range []struct {
		memory Size
		free   int64
		want   int
	}{{50_000, 30_500, 30}, {20_000, 30_500, 20}} {
		c := &Core{Dense: cacheOnDevice{free: tt.free}, MaxSequences: 1, Model: model.Config{MaxContext: 1 << 20}}
		if err := c.reserveCache(tt.memory); err != nil {
			t.Fatal(err)
		}
		if c.Blocks != tt.want || c.reserved() != 0 {
			t.Errorf("%v with %d free: %d blocks and %d bytes of the process, want %d and none", tt.memory, tt.free, c.Blocks, c.reserved(), tt.want)
		}
	}
	full := &Core{Dense: cacheOnDevice{free: 10}}
	if err := full.reserveCache(Mi); !errors.As(err, new(*ConfigError)) {
		t.Errorf("a full device: %v, want an error of the configuration", err)
	}
}

func TestAttentionOnAGPUNeedsABackendForOne(t *testing.T) {
	c := ModelConfig{Backend: "cpu", Backends: []backend.Backend{cpu.Backend()}, GPUAttention: true}
	var field *FieldError
	if _, err := c.openDevice(0, slog.New(slog.DiscardHandler)); !errors.As(err, &field) || field.Field != "model.gpuAttention" {
		t.Errorf("%v, want an error of model.gpuAttention", err)
	}
}

// Load implements backend.Experts.
func (d ownDevice) Load(context.Context, moe.ExpertID, model.ExpertWeights) error { return nil }

// Unload implements backend.Experts.
func (d ownDevice) Unload(moe.ExpertID) error { return nil }

// TestQuantizedWeightsStayOnlyWhereTheyAreBorrowed: a device that has copied them needs
// no second copy in the memory of the host.
func TestQuantizedWeightsStayOnlyWhereTheyAreBorrowed(t *testing.T) {
	m := testRouter(tinyCheckpoint(t)).ModelConfig
	m.Quantize = "int8"
	w, err := openModel(t.Context(), m, backend.Info{Family: "cpu"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.ckpt.Close()
	for _, borrows := range []bool{true, false} {
		d, limit := ownDevice{capacity: 7, borrows: borrows}, Size(0)
		w.accountFor(d, &limit)
		l := newExpertLoader(w, d, 1)
		if err := l.Load(t.Context(), moe.ExpertID{}); err != nil {
			t.Fatal(err)
		}
		if kept := len(l.maps) == 1; kept != borrows {
			t.Errorf("weights are borrowed: %v, kept: %v", borrows, kept)
		}
		if err := errors.Join(l.Unload(moe.ExpertID{}), l.Close()); err != nil {
			t.Error(err)
		}
	}
}
