package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
)

// weights are an opened checkpoint and how it is computed.
type weights struct {
	ckpt        *checkpoint.Checkpoint
	texts       string        // a directory with the text files of the model
	source      *source.Model // nil for a directory
	cfg         model.Config
	numerics    model.Numerics
	family      string // of the cluster
	fingerprint moe.Fingerprint
	log         *slog.Logger
	// quantize is the type experts get when they are loaded; tensor.Invalid
	// keeps theirs.
	quantize tensor.DType
	// deviceBytes is the memory that an expert takes on a device that says so.
	deviceBytes int64
	// copied says that the device does not read weights again once it has loaded them.
	copied bool
	// stepTokens bounds the rows of a step.
	stepTokens int
}

// openModel opens a checkpoint, to be computed by a device.
func openModel(ctx context.Context, m ModelConfig, by backend.Info, log *slog.Logger) (weights, error) {
	opened, err := m.Open(ctx, log)
	if err != nil {
		return weights{}, err
	}
	return newWeights(opened, m, by, log)
}

// newWeights says how an opened checkpoint is computed. It closes the checkpoint if it
// cannot be.
func newWeights(opened OpenedModel, m ModelConfig, by backend.Info, log *slog.Logger) (weights, error) {
	var err error
	ckpt := opened.Checkpoint
	w := weights{ckpt: ckpt, texts: opened.TextDir, source: opened.Source, log: log, cfg: ckpt.Config(), stepTokens: m.stepTokens(),
		family: by.FamilyWith(m.ExpertFamily)}
	if w.numerics, err = model.DefaultNumerics(w.cfg.DType).With(m.Numerics.Overrides()); err != nil {
		return weights{}, errors.Join(&ConfigError{Err: err}, ckpt.Close())
	}
	format := w.cfg.DType
	if to, err := tensor.Target(m.Quantize); err == nil && !format.Quantized() {
		w.quantize, format = to, to
	}
	w.fingerprint = model.Fingerprint(ckpt.Digest(), format, w.numerics, w.family)
	return w, nil
}

// loadDense makes the weights that a router reads resident, and refuses those that it could not
// compute with.
func (w weights) loadDense(ctx context.Context) (*checkpoint.DenseMap, error) {
	dense, err := w.ckpt.LoadDense(ctx)
	if err != nil {
		return nil, ofSource(err)
	}
	return dense, nil
}

// expertBytes is the memory one expert takes.
func (w weights) expertBytes() int64 {
	if w.deviceBytes > 0 {
		return w.deviceBytes
	}
	if w.quantize == tensor.Invalid {
		return w.ckpt.ExpertBytes()
	}
	return int64(2*w.quantize.Bytes(w.cfg.FFN, w.cfg.Hidden) + w.quantize.Bytes(w.cfg.Hidden, w.cfg.FFN))
}

// checkFamily refuses to compute experts under the name of another family.
func (m ModelConfig) checkFamily(by backend.Info) error {
	own := cmp.Or(by.ExpertFamily, by.Family)
	if m.ExpertFamily == "" || m.ExpertFamily == own {
		return nil
	}
	return &ConfigError{Err: &FieldError{Field: "model.expertFamily",
		Err: fmt.Errorf("%q, but this process computes experts in %s: leave it empty, or choose another backend", m.ExpertFamily, own)}}
}

// configFault is the error of opening a backend's half of a model: what the backend
// does not compute is a fault of the configuration.
func configFault(err error) error {
	var unsupported *backend.UnsupportedError
	if errors.As(err, &unsupported) {
		return &ConfigError{Err: err}
	}
	return err
}

// fetched counts the bytes that came from elsewhere; nil for a directory.
func (w weights) fetched() func() int64 {
	if w.source == nil {
		return nil
	}
	return w.source.Fetched
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
