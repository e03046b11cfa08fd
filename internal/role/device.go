package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
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
	kernel := os.Getenv("HACHI_KERNEL")
	device, err := b.Open(backend.Options{
		Threads: m.workers(), Kernel: kernel, Spin: busyPoll, Device: m.Device, Sidecar: m.Sidecar, SidecarFamily: m.SidecarFamily, SidecarHelpers: m.SidecarHelpers, Log: log,
	})
	if err != nil {
		return nil, &ConfigError{Err: fmt.Errorf("backend %s, HACHI_KERNEL %q: %w", b.Name, kernel, err)}
	}
	log.Info("device is open", "backend", b.Name, "family", device.Info().FamilyWith(m.ExpertFamily), "kernel", device.Info().Kernel)
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
	w.deviceBytes = own.ExpertBytes(format)
	if memory := Size(own.Capacity()); memory > 0 && (*limit == 0 || memory < *limit) {
		*limit = memory
	}
}

// errDevice is the cause of the end of a node whose device has failed.
var errDevice = errors.New("the device of the experts has failed")

// untilFailed returns a context that ends when a device fails for good. end must be
// called; it is the error of a process that ended with err.
func untilFailed(ctx context.Context, experts backend.Experts) (_ context.Context, end func(err error) error) {
	m, ok := experts.(backend.Mortal)
	if !ok {
		return ctx, func(err error) error { return err }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case err := <-m.Failed():
			cancel(fmt.Errorf("%w: %w", errDevice, err))
		case <-ctx.Done():
		}
	}()
	return ctx, func(err error) error {
		cancel(nil)
		<-watched
		if cause := context.Cause(ctx); errors.Is(cause, errDevice) {
			return errors.Join(cause, err)
		}
		return err
	}
}
