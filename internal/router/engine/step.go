package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// step carries the spans through the model, draws, and commits.
func (e *Engine) step(ctx context.Context, spans []scheduler.Span) {
	for _, span := range spans {
		f := e.active[span.Seq.ID]
		e.start(f)
		f.notify(span)
	}
	began := time.Now()
	var changed <-chan struct{}
	if e.cfg.Changed != nil {
		// Taken before the step, so that a change during it is not missed.
		changed = e.cfg.Changed()
	}
	batch := e.batch(spans)
	logits := e.reserve(len(batch.Outputs))
	traced, end := e.traceStep(ctx, spans)
	err := e.forward(traced, batch, logits)
	end(err)
	if err != nil {
		e.abandon(ctx, spans, changed, err)
		return
	}
	e.resume()
	took := time.Since(began)
	// Before the commits, which change how much the spans had to do.
	e.sched.Observe(spans, took)
	for _, d := range e.drawAll(spans, logits) {
		e.commit(d)
	}
	e.mu.Lock()
	e.stats.Steps++
	e.rate.observe(len(batch.Tokens), took)
	e.mu.Unlock()
	e.publish()
	if e.cfg.Step != nil {
		e.cfg.Step(len(batch.Tokens), took)
	}
}

// forward is the boundary that no panic of the model passes.
func (e *Engine) forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) (err error) {
	defer moe.Recover("step", &err)
	return e.cfg.Forward.Forward(ctx, b, logits)
}

// outputs is how many of a span's last rows need logits: one at the end of the
// known tokens and one for each drafted token, all of them while the prompt's
// log probabilities are wanted.
func (e *Engine) outputs(span scheduler.Span) int {
	f := e.active[span.Seq.ID]
	switch {
	case f.req.PromptLogprobs && f.reported < len(f.req.Prompt)-1:
		return span.N
	case span.Seq.Computed+span.N >= len(span.Seq.Tokens):
		return 1 + span.Drafted()
	default:
		return 0
	}
}

// batch lays the spans out as rows: of each, the known tokens and then the draft.
func (e *Engine) batch(spans []scheduler.Span) *model.Batch {
	b := &model.Batch{}
	for _, span := range spans {
		seq, drafted := span.Seq, span.Drafted()
		b.Tokens = append(b.Tokens, seq.Tokens[seq.Computed:seq.Computed+span.N-drafted]...)
		b.Tokens = append(b.Tokens, seq.Draft[:drafted]...)
		b.Spans = append(b.Spans, model.Span{
			Start: seq.Computed, N: span.N, Blocks: seq.Table.Blocks, Nodes: e.active[seq.ID].beginNodes(),
		})
		for i := e.outputs(span); i > 0; i-- {
			b.Outputs = append(b.Outputs, int32(len(b.Tokens)-i))
		}
	}
	return b
}

// reserve returns a logits matrix in the memory of the last one if it fits. The
// draws of a step have ended before the next one overwrites it.
func (e *Engine) reserve(rows int) tensor.Matrix {
	vocab := e.cfg.Model.Vocab
	e.logits.Data = slices.Grow(e.logits.Data[:0], rows*vocab)[:rows*vocab]
	return tensor.Matrix{Rows: rows, Cols: vocab, Stride: vocab, Data: e.logits.Data}
}

// commit applies the result of a step to one request. It is the only place where
// a sequence changes, which is why a failed step needs no undo.
//
// The step computed K and V of the known tokens and of the draft. Those of accepted
// draft tokens stay; those of rejected ones lie beyond Computed and are overwritten
// before they are read. The last drawn token is computed in the next step.
func (e *Engine) commit(d *drawing) {
	f, seq := d.f, d.f.seq
	if d.err != nil {
		e.reject(d)
		return
	}
	step := f.commitNodes()
	for _, event := range d.events {
		event.Nodes, event.StepNodes, event.Cached = f.nodes, step, f.cached
		f.stream.Push(event)
	}
	if !d.drew {
		e.sched.Commit(seq, d.end)
		return
	}
	e.count(f, d) // before Commit adds to the tokens that count looks at
	e.sched.Commit(seq, len(seq.Tokens)+d.accepted, d.tokens...)
	if d.last.Err != nil || d.last.Finish != NotFinished {
		d.last.Nodes, d.last.StepNodes, d.last.Cached = f.nodes, step, f.cached
		e.finish(f, d.last)
		return
	}
	e.masks.request(f)
	f.guesses.learn(d.drafted, d.accepted)
	seq.Draft = f.guesses.propose(seq.Tokens, f.left()-1)
}

// reject ends a request whose draw panicked. Its span is not committed: how far
// the draw came is unknown.
func (e *Engine) reject(d *drawing) {
	var panicked *moe.Panic
	if errors.As(d.err, &panicked) {
		e.cfg.Logger.Error("draw panicked", "request_id", d.f.req.ID, "err", d.err, "stack", string(panicked.Stack))
	}
	e.finish(d.f, Event{Err: d.err})
}

// count adds a commit that drew tokens to the stats. A sequence that has only
// the tokens it came with has drawn for the first time, so a preempted prompt counts once.
func (e *Engine) count(f *activeRequest, d *drawing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := f.req.known(); len(f.seq.Tokens) == n {
		e.stats.Prompt += uint64(n)
	}
	e.stats.Generated += uint64(len(d.tokens))
	e.stats.Drafted += uint64(d.drafted)
	e.stats.Accepted += uint64(d.accepted)
}
