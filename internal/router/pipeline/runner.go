package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Runner carries batches through all layers of a model. The scratch memory of
// a step is kept for the next. Apart from Decision, its methods are not safe
// for concurrent use.
type Runner struct {
	cfg     model.Config
	decoder model.Decoder
	experts model.Experts
	batcher MicroBatcher
	x, h    tensor.Matrix
	gate    tensor.Matrix
	batches []microBatch
	spans   []model.Span // of the step, if any of them wants to know its nodes

	mu       sync.Mutex // guards decision
	decision Decision
}

// New joins the two halves of a model. batcher chooses the number of
// micro-batches; the zero MicroBatcher runs every step in one piece.
func New(cfg model.Config, dense model.Dense, experts model.Experts, batcher MicroBatcher) *Runner {
	return &Runner{cfg: cfg, decoder: model.NewDecoder(cfg, dense), experts: experts, batcher: batcher}
}

// Forward runs one step and writes logits [len(b.Outputs), vocab]. On error
// the KV positions of the batch are undefined and will be written again.
func (r *Runner) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	n := len(b.Tokens)
	r.x, r.h, r.gate = r.x.Resize(n, r.cfg.Hidden), r.h.Resize(n, r.cfg.Hidden), r.gate.Resize(n, r.cfg.Experts)
	if err := r.decoder.Embed(b, r.x); err != nil {
		return err
	}
	r.spans = spansWithNodes(b)
	began := time.Now()
	r.split(n, r.batcher.Choose(n))
	if err := r.runLayers(ctx, b.Outputs); err != nil {
		return err
	}
	for i := range r.batches {
		r.batches[i].widen()
	}
	r.batcher.ObserveStep(n, len(r.batches), time.Since(began)/time.Duration(r.cfg.Layers))
	r.publish()
	return r.decoder.Head(b, r.x, logits)
}

func (r *Runner) publish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decision = r.batcher.last
}

// Decision is how the last step was split, and why. It may be called from any
// goroutine.
func (r *Runner) Decision() Decision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decision
}

// split cuts n rows into m micro-batches whose sizes differ by at most one row.
func (r *Runner) split(n, m int) {
	for len(r.batches) < m {
		r.batches = append(r.batches, microBatch{done: make(chan error, 1)})
	}
	r.batches = r.batches[:m]
	for i := range r.batches {
		r.batches[i].reset(i*n/m, (i+1)*n/m, r.x, r.h, r.gate)
	}
}

// runLayers carries every micro-batch through every layer. No expert call is
// in flight when it returns.
func (r *Runner) runLayers(ctx context.Context, outputs []int32) error {
	if len(r.batches) == 1 { // no other expert call to cancel
		if err := r.advance(ctx, outputs); err != nil {
			return err
		}
		return r.await(&r.batches[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := r.advance(ctx, outputs)
	if err != nil {
		cancel()
	}
	for i := range r.batches {
		if last := r.await(&r.batches[i]); err == nil && last != nil {
			err = last
			cancel()
		}
	}
	return err
}

// advance alternates between the micro-batches, layer by layer. The experts of the last
// layer get the rows outputs of the step. After an error, or a panic of the backend,
// which becomes one, expert calls of other micro-batches may still be in flight:
// runLayers joins them.
func (r *Runner) advance(ctx context.Context, outputs []int32) (err error) {
	defer moe.Recover("attention", &err)
	for layer := range r.cfg.Layers {
		for i := range r.batches {
			b := &r.batches[i]
			if err := r.await(b); err != nil {
				return err
			}
			began := time.Now()
			if err := r.decoder.Attend(layer, &b.Rows); err != nil {
				return err
			}
			r.batcher.ObserveAttention(b.X.Rows, time.Since(began))
			if layer == r.cfg.Layers-1 {
				b.narrow(outputs)
			}
			if b.X.Rows == 0 {
				continue
			}
			routed, err := r.decoder.Route(layer, &b.Rows)
			if err != nil {
				return err
			}
			if routed {
				r.callExperts(ctx, layer, b)
			}
		}
	}
	return nil
}

// callExperts gives a micro-batch to the experts of a layer. A step in one
// piece has nothing to compute meanwhile and saves the goroutine.
func (r *Runner) callExperts(ctx context.Context, layer int, b *microBatch) {
	b.inFlight = true
	r.prepareNodes(b)
	if len(r.batches) == 1 {
		r.compute(ctx, layer, b)
		return
	}
	go r.compute(ctx, layer, b) // joined by await
}

// compute runs an expert call; await takes its result. A panic becomes the
// result too: on a goroutine of its own it would end the process.
func (r *Runner) compute(ctx context.Context, layer int, b *microBatch) {
	began := time.Now()
	err := r.forward(ctx, layer, b)
	if err != nil {
		err = fmt.Errorf("layer %d: experts: %w", layer, err)
	}
	b.took = time.Since(began)
	b.done <- err
}

func (r *Runner) forward(ctx context.Context, layer int, b *microBatch) (err error) {
	defer moe.Recover("experts", &err)
	return r.experts.Forward(ctx, layer, b.H, b.Routing, b.X)
}

// await waits for the expert call of a micro-batch, if one is in flight.
func (r *Runner) await(b *microBatch) error {
	if !b.inFlight {
		return nil
	}
	err := <-b.done
	b.inFlight = false
	if err == nil {
		r.batcher.ObserveExperts(b.X.Rows, b.took)
		b.addNodes(r.spans)
	}
	return err
}
