package model

import (
	"context"
	"fmt"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Runner carries a batch through all layers. It keeps scratch between steps
// and is not safe for concurrent use.
type Runner struct {
	cfg     Config
	dense   Dense
	experts Experts
	x, h    tensor.Matrix
	gate    tensor.Matrix
	routing moe.Routing
}

// NewRunner joins the two halves of the model.
func NewRunner(cfg Config, dense Dense, experts Experts) *Runner {
	return &Runner{cfg: cfg, dense: dense, experts: experts}
}

// Forward runs one step and writes logits [len(b.Outputs), vocab]. On error
// the KV positions of the batch are undefined and will be written again.
func (r *Runner) Forward(ctx context.Context, b *Batch, logits tensor.Matrix) error {
	n := len(b.Tokens)
	r.x, r.h, r.gate = r.x.Resize(n, r.cfg.Hidden), r.h.Resize(n, r.cfg.Hidden), r.gate.Resize(n, r.cfg.Experts)
	if err := r.dense.Embed(b, r.x); err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	for layer := range r.cfg.Layers {
		if err := r.dense.Attend(layer, b, r.x, r.h, r.gate); err != nil {
			return fmt.Errorf("layer %d: attention: %w", layer, err)
		}
		if err := Gate(r.gate, r.cfg.TopK, &r.routing); err != nil {
			return fmt.Errorf("layer %d: %w", layer, err)
		}
		if err := r.experts.Forward(ctx, layer, r.h, r.routing, r.x); err != nil {
			return fmt.Errorf("layer %d: experts: %w", layer, err)
		}
	}
	if len(b.Outputs) == 0 {
		return nil
	}
	return r.dense.Head(b, r.x, logits)
}
