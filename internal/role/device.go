package role

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// openDevice opens the backend of the configuration. HACHI_KERNEL names the
// kernels of a processor, for tests and for doubts about it; all of one family
// give the same bits.
func (m ModelConfig) openDevice(busyPoll time.Duration, log *slog.Logger) (backend.Device, error) {
	b, err := backend.Find(m.Backends, m.Backend)
	if err != nil {
		return nil, &ConfigError{Err: &FieldError{Field: "model.backend", Err: fmt.Errorf("%q: %w", m.Backend, err)}}
	}
	shared, err := m.joinCores(log)
	if err != nil {
		return nil, err
	}
	loops := os.Getenv("HACHI_KERNEL")
	device, err := b.Open(backend.Options{
		Threads: m.workers(), Cores: shared.asCores(), Kernel: loops, Choices: KernelChoices(), Numerics: m.Numerics.Order, Spin: busyPoll, Device: m.Device, Attention: m.GPUAttention, ExpertFamily: m.ExpertFamily, Sidecar: m.Sidecar, SidecarHelpers: m.SidecarHelpers, Log: log,
	})
	if err != nil {
		if loops != "" {
			err = fmt.Errorf("HACHI_KERNEL %q: %w", loops, err)
		}
		return nil, errors.Join(&ConfigError{Err: fmt.Errorf("backend %s: %w", b.Name, err)}, shared.close())
	}
	device = shared.closedAfter(device)
	info := device.Info()
	if m.GPUAttention && (info.Family == kernel.Family || info.Family == kernel.FamilyAMX) {
		return nil, errors.Join(&ConfigError{Err: &FieldError{Field: "model.gpuAttention",
			Err: fmt.Errorf("backend %s computes attention on the processor: choose backend cuda, or leave it false", b.Name)}}, device.Close())
	}
	log.Info("device is open", "backend", b.Name, "family", info.FamilyWith(m.ExpertFamily), "experts", cmp.Or(m.ExpertFamily, info.ExpertFamily, info.Family), "kernel", info.Kernel)
	return device, nil
}

// accountFor takes the memory of experts and its limit, 0 for none, from a device that
// keeps weights in memory of its own.
func (w *weights) accountFor(experts backend.Experts, limit *Size) {
	own, ok := experts.(backend.OwnMemory)
	if !ok {
		return
	}
	format := w.cfg.DType
	if w.quantize != tensor.Invalid {
		format = w.quantize
	}
	w.deviceBytes, w.copied = own.ExpertBytes(format), !own.Borrows()
	if memory := Size(own.Capacity()); memory > 0 && (*limit == 0 || memory < *limit) {
		*limit = memory
	}
}

// rowMemory lends memory that the device of experts copies by itself; nil where it
// copies none.
func rowMemory(experts backend.Experts) func(n int) (b []byte, release func()) {
	if m, ok := experts.(backend.HostMemory); ok {
		return m.HostMemory
	}
	return nil
}
