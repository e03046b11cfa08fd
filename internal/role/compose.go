package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// weights are an opened checkpoint and how it is computed.
type weights struct {
	ckpt        *checkpoint.Checkpoint
	cfg         model.Config
	numerics    model.Numerics
	fingerprint moe.Fingerprint
	// quantize is the type experts get when they are loaded; tensor.Invalid
	// keeps theirs.
	quantize tensor.DType
	// stepTokens bounds the rows of a step.
	stepTokens int
}

// openModel opens a checkpoint, to be computed by a numerics family. What is
// wrong with it will still be wrong after a restart.
func openModel(m ModelConfig, family string) (weights, error) {
	ckpt, err := checkpoint.Open(m.Dir)
	if err != nil {
		return weights{}, &ConfigError{Err: err}
	}
	w := weights{ckpt: ckpt, cfg: ckpt.Config(), stepTokens: m.stepTokens()}
	if w.numerics, err = model.DefaultNumerics(w.cfg.DType).With(m.Numerics.Overrides()); err != nil {
		return weights{}, errors.Join(&ConfigError{Err: err}, ckpt.Close())
	}
	format := w.cfg.DType
	if to, err := tensor.Target(m.Quantize); err == nil && !format.Quantized() {
		w.quantize, format = to, to
	}
	w.fingerprint = model.Fingerprint(ckpt.Digest(), format, w.numerics, family)
	return w, nil
}

// mapDense maps the weights that a router reads, and refuses those that it could not
// compute with.
func (w weights) mapDense(ctx context.Context) (*checkpoint.DenseMap, error) {
	if err := w.verifyDense(ctx); err != nil {
		return nil, err
	}
	dense, err := w.ckpt.MapDense()
	if err != nil {
		return nil, &ConfigError{Err: err}
	}
	return dense, nil
}

// verifyDense hashes the weights that a router reads, if the checkpoint has a
// manifest to compare them with.
func (w weights) verifyDense(ctx context.Context) error {
	if w.ckpt.Manifest() == nil {
		return nil
	}
	err := w.ckpt.VerifyDense(ctx)
	if err != nil && ctx.Err() == nil {
		return &ConfigError{Err: err}
	}
	return err
}

// expertBytes is the memory one expert takes.
func (w weights) expertBytes() int64 {
	if w.quantize == tensor.Invalid {
		return w.ckpt.ExpertBytes()
	}
	return int64(2*w.quantize.Bytes(w.cfg.FFN, w.cfg.Hidden) + w.quantize.Bytes(w.cfg.Hidden, w.cfg.FFN))
}

// openDevice opens the backend of the configuration. HACHI_KERNEL names the
// kernels of a processor, for tests and for doubts about it; all of one family
// give the same bits.
func (m ModelConfig) openDevice(busyPoll time.Duration) (backend.Device, error) {
	b, err := backend.Find(m.Backends, m.Backend)
	if err != nil {
		return nil, &ConfigError{Err: &FieldError{Field: "model.backend", Err: fmt.Errorf("%q: %w", m.Backend, err)}}
	}
	kernel := os.Getenv("HACHI_KERNEL")
	device, err := b.Open(backend.Options{Threads: m.workers(), Kernel: kernel, Spin: busyPoll})
	if err != nil {
		return nil, &ConfigError{Err: fmt.Errorf("backend %s, HACHI_KERNEL %q: %w", b.Name, kernel, err)}
	}
	return device, nil
}

// rowBytes is the size of one row on the wire.
func (w weights) rowBytes() int { return w.cfg.Hidden * w.numerics.Wire.Size() }

// maxPayload is the largest payload either way: every row of a step with each
// of its experts.
func (w weights) maxPayload() int { return w.stepTokens * w.cfg.TopK * w.rowBytes() }

// listenBoth opens the listeners of the HTTP and the gRPC API, or none.
func listenBoth(http, advertiseHTTP, grpc, advertiseGRPC string) (web, rpc listener, err error) {
	if web, err = listen(http, advertiseHTTP); err != nil {
		return web, rpc, &ConfigError{Err: &FieldError{Field: "listen", Err: err}}
	}
	if rpc, err = listen(grpc, advertiseGRPC); err != nil {
		return web, rpc, &ConfigError{Err: errors.Join(&FieldError{Field: "grpc", Err: err}, web.Close())}
	}
	return web, rpc, nil
}

// listener is a listener and the address that others dial.
type listener struct {
	net.Listener
	advertised string
}

// listen opens a listener. It advertises the listener's own address when there
// is no other.
func listen(addr, advertise string) (listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return listener{}, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return listener{l, cmp.Or(advertise, l.Addr().String())}, nil
}
