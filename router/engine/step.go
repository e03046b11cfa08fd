package engine

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/router/sampler"
	"github.com/hachi-serve/hachi/router/scheduler"
)

// step carries the spans through the model and commits them.
func (e *Engine) step(ctx context.Context, spans []scheduler.Span) {
	for _, span := range spans {
		e.start(e.flights[span.Seq.ID])
	}
	started := time.Now()
	var changed <-chan struct{}
	if e.cfg.Changed != nil {
		// Taken before the step, so that a change during it is not missed.
		changed = e.cfg.Changed()
	}
	batch := e.batch(spans)
	logits := e.reserve(len(batch.Outputs))
	if err := e.cfg.Forward.Forward(ctx, batch, logits); err != nil {
		e.abandon(ctx, spans, changed, err)
		return
	}
	took := time.Since(started)
	e.sched.Observe(spans, took)
	row := 0
	for _, span := range spans {
		f := e.flights[span.Seq.ID]
		n := e.outputs(span)
		e.commit(f, span, logits, row, n)
		row += n
	}
	e.mu.Lock()
	e.stats.Steps++
	e.mu.Unlock()
	e.publish()
	if e.cfg.Step != nil {
		e.cfg.Step(len(batch.Tokens), took)
	}
}

// outputs is how many of a span's last rows need logits: one at the end of the
// known tokens, all of them while the prompt's log probabilities are wanted.
func (e *Engine) outputs(span scheduler.Span) int {
	f := e.flights[span.Seq.ID]
	switch {
	case f.req.PromptLogprobs && f.reported < len(f.req.Prompt)-1:
		return span.N
	case span.Seq.Computed+span.N == len(span.Seq.Tokens):
		return 1
	default:
		return 0
	}
}

// batch lays the spans out as rows.
func (e *Engine) batch(spans []scheduler.Span) *model.Batch {
	b := &model.Batch{}
	for _, span := range spans {
		seq := span.Seq
		b.Tokens = append(b.Tokens, seq.Tokens[seq.Computed:seq.Computed+span.N]...)
		b.Spans = append(b.Spans, model.Span{Start: seq.Computed, N: span.N, Blocks: seq.Table.Blocks})
		for i := e.outputs(span); i > 0; i-- {
			b.Outputs = append(b.Outputs, int32(len(b.Tokens)-i))
		}
	}
	return b
}

// reserve returns a logits matrix, reusing the last one when it fits.
func (e *Engine) reserve(rows int) tensor.Matrix {
	vocab := e.cfg.Model.Vocab
	e.logits.Data = slices.Grow(e.logits.Data[:0], rows*vocab)[:rows*vocab]
	return tensor.Matrix{Rows: rows, Cols: vocab, Stride: vocab, Data: e.logits.Data}
}

// commit is the only place where a sequence changes. The span's n logits begin
// at a row.
func (e *Engine) commit(f *flight, span scheduler.Span, logits tensor.Matrix, row, n int) {
	seq := f.seq
	first := seq.Computed + span.N - n // position of the first logits
	e.sched.Commit(seq, seq.Computed+span.N)
	if f.req.PromptLogprobs {
		e.reportPrompt(f, logits, row, n, first)
	}
	if seq.Computed < len(seq.Tokens) {
		return
	}
	last := logits.Row(row + n - 1)
	token, err := sampler.Sample(last, f.req.Params, f.req.Choice, len(seq.Tokens))
	if err != nil {
		e.finish(f, Event{Err: err})
		return
	}
	e.mu.Lock()
	if len(seq.Tokens) == len(f.req.Prompt) {
		e.stats.Prompt += uint64(len(f.req.Prompt))
	}
	e.stats.Generated++
	e.mu.Unlock()
	if slices.Contains(f.req.StopTokens, token) {
		e.finish(f, Event{Finish: Stop, Token: -1})
		return
	}
	event := Event{Token: token}
	if f.req.Logprobs >= 0 {
		event.Logprob, event.Top = sampler.Logprobs(last, token, f.req.Logprobs)
	}
	seq.Tokens = append(seq.Tokens, token)
	if len(seq.Tokens)-len(f.req.Prompt) >= f.req.MaxTokens {
		event.Finish = Length
		e.finish(f, event)
		return
	}
	f.stream.Push(event)
}

// reportPrompt sends the log probabilities of prompt tokens that these logits
// predict, each once even when a preempted prompt is computed again.
func (e *Engine) reportPrompt(f *flight, logits tensor.Matrix, row, n, first int) {
	for i := range n {
		next := first + i + 1 // the position that these logits predict
		if next != f.reported+1 || next >= len(f.req.Prompt) {
			continue
		}
		event := Event{Token: f.req.Prompt[next], Prompt: true}
		event.Logprob, event.Top = sampler.Logprobs(logits.Row(row+i), event.Token, max(0, f.req.Logprobs))
		f.reported = next
		f.stream.Push(event)
	}
}
