package model

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Runner carries a batch through all layers, in one piece or in micro-batches
// that take turns: while the experts compute one, attention computes the next.
// The rows and their order are the same either way, and so are the bits. It
// keeps scratch between steps; but for Choice it is not safe for concurrent use.
type Runner struct {
	cfg      Config
	topology moe.Topology
	dense    Dense
	experts  Experts
	overlap  Overlap
	x, h     tensor.Matrix
	gate     tensor.Matrix
	parts    []part

	mu     sync.Mutex // guards choice
	choice Choice
}

// part is one micro-batch.
type part struct {
	first   int // row
	x, h    tensor.Matrix
	gate    tensor.Matrix
	routing moe.Routing
	done    chan error // of the experts; capacity 1
	flying  bool       // the experts have it
	took    time.Duration
}

// NewRunner joins the two halves of the model. overlap says how micro-batches
// are chosen; its zero value runs every step in one piece.
func NewRunner(cfg Config, dense Dense, experts Experts, overlap Overlap) *Runner {
	return &Runner{cfg: cfg, topology: cfg.Topology(), dense: dense, experts: experts, overlap: overlap}
}

// Forward runs one step and writes logits [len(b.Outputs), vocab]. On error
// the KV positions of the batch are undefined and will be written again.
func (r *Runner) Forward(ctx context.Context, b *Batch, logits tensor.Matrix) error {
	n := len(b.Tokens)
	r.x, r.h, r.gate = r.x.Resize(n, r.cfg.Hidden), r.h.Resize(n, r.cfg.Hidden), r.gate.Resize(n, r.cfg.Experts)
	if err := r.dense.Embed(b, r.x); err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	began := time.Now()
	r.split(n, r.overlap.Choose(n))
	if err := r.layers(ctx); err != nil {
		return err
	}
	r.overlap.Observe(n, len(r.parts), time.Since(began)/time.Duration(r.cfg.Layers))
	r.publish()
	if len(b.Outputs) == 0 {
		return nil
	}
	return r.dense.Head(b, r.x, logits)
}

func (r *Runner) publish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.choice = r.overlap.last
}

// Choice is how the last step was split, and why. It may be called from any
// goroutine.
func (r *Runner) Choice() Choice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.choice
}

// split cuts the rows into m parts of about one size.
func (r *Runner) split(n, m int) {
	for len(r.parts) < m {
		r.parts = append(r.parts, part{done: make(chan error, 1)})
	}
	r.parts = r.parts[:m]
	for i := range r.parts {
		p := &r.parts[i]
		lo, hi := i*n/m, (i+1)*n/m
		p.first, p.x, p.h, p.gate = lo, r.x.Slice(lo, hi), r.h.Slice(lo, hi), r.gate.Slice(lo, hi)
	}
}

// layers carries every part through every layer. No part is with the experts
// when it returns.
func (r *Runner) layers(ctx context.Context) error {
	if len(r.parts) == 1 { // nobody else to stop
		if err := r.advance(ctx); err != nil {
			return err
		}
		return r.await(&r.parts[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := r.advance(ctx)
	if err != nil {
		cancel()
	}
	for i := range r.parts {
		if last := r.await(&r.parts[i]); err == nil && last != nil {
			err = last
			cancel()
		}
	}
	return err
}

func (r *Runner) advance(ctx context.Context) error {
	for layer := range r.cfg.Layers {
		for i := range r.parts {
			p := &r.parts[i]
			if err := r.await(p); err != nil {
				return err
			}
			began := time.Now()
			if err := r.dense.Attend(layer, p.first, p.x, p.h, p.gate); err != nil {
				return fmt.Errorf("layer %d: attention: %w", layer, err)
			}
			r.overlap.Attended(p.x.Rows, time.Since(began))
			if r.topology.In(layer) == 0 {
				if err := r.dense.FeedForward(layer, p.h, p.x); err != nil {
					return fmt.Errorf("layer %d: %w", layer, err)
				}
				continue
			}
			if err := Gate(r.cfg.Gate, p.gate, r.cfg.TopK, &p.routing); err != nil {
				return fmt.Errorf("layer %d: %w", layer, err)
			}
			r.ask(ctx, layer, p)
		}
	}
	return nil
}

// ask gives a part to the experts. A lone part is not worth a goroutine.
func (r *Runner) ask(ctx context.Context, layer int, p *part) {
	p.flying = true
	if len(r.parts) == 1 {
		r.compute(ctx, layer, p)
		return
	}
	go r.compute(ctx, layer, p)
}

func (r *Runner) compute(ctx context.Context, layer int, p *part) {
	began := time.Now()
	err := r.experts.Forward(ctx, layer, p.h, p.routing, p.x)
	if err != nil {
		err = fmt.Errorf("layer %d: experts: %w", layer, err)
	}
	p.took = time.Since(began)
	p.done <- err
}

// await takes a part back from the experts.
func (r *Runner) await(p *part) error {
	if !p.flying {
		return nil
	}
	err := <-p.done
	p.flying = false
	if err == nil {
		r.overlap.Computed(p.x.Rows, p.took)
	}
	return err
}
