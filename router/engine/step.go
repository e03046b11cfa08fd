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
	began := time.Now()
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
	took := time.Since(began)
	e.sched.Observe(spans, took)
	row := 0
	for _, span := range spans {
		n := e.outputs(span)
		e.commit(e.flights[span.Seq.ID], span, tensor.Matrix{
			Rows: n, Cols: logits.Cols, Stride: logits.Stride, Data: logits.Data[row*logits.Stride:],
		})
		row += n
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

// outputs is how many of a span's last rows need logits: one at the end of the
// known tokens and one for each drafted token, all of them while the prompt's
// log probabilities are wanted.
func (e *Engine) outputs(span scheduler.Span) int {
	f := e.flights[span.Seq.ID]
	switch {
	case f.req.PromptLogprobs && f.reported < len(f.req.Prompt)-1:
		return span.N
	case span.Seq.Computed+span.N >= len(span.Seq.Tokens):
		return 1 + span.Drafted()
	default:
		return 0
	}
}

// batch lays the spans out as rows.
func (e *Engine) batch(spans []scheduler.Span) *model.Batch {
	b := &model.Batch{}
	for _, span := range spans {
		seq, drafted := span.Seq, span.Drafted()
		b.Tokens = append(b.Tokens, seq.Tokens[seq.Computed:seq.Computed+span.N-drafted]...)
		b.Tokens = append(b.Tokens, seq.Draft[:drafted]...)
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

// commit is the only place where a sequence changes. The logits are those of
// the span's last rows.
func (e *Engine) commit(f *flight, span scheduler.Span, logits tensor.Matrix) {
	seq := f.seq
	end := seq.Computed + span.N
	if f.req.PromptLogprobs {
		e.reportPrompt(f, logits, end-logits.Rows)
	}
	if end < len(seq.Tokens) {
		e.sched.Commit(seq, end)
		return
	}
	drafted := span.Drafted()
	first := logits.Rows - 1 - drafted // the logits after the last known token
	var tokens []int32
	var last Event
	accepted := 0
	for {
		last = e.draw(f, logits.Row(first+accepted), len(seq.Tokens)+len(tokens))
		if last.Err != nil || last.Token < 0 {
			break
		}
		tokens = append(tokens, last.Token)
		if last.Finish != NotFinished {
			break
		}
		f.stream.Push(last)
		if accepted == drafted || seq.Draft[accepted] != last.Token {
			break
		}
		accepted++
	}
	e.count(f, len(tokens), drafted, accepted)
	e.sched.Commit(seq, len(seq.Tokens)+accepted, tokens...)
	if last.Err != nil || last.Finish != NotFinished {
		e.finish(f, last)
		return
	}
	e.ahead.ask(f)
	f.guesses.learn(drafted, accepted)
	seq.Draft = f.guesses.propose(seq.Tokens, f.left()-1)
}

// draw makes the next token of an answer. The event has Finish or Err when it
// is the last, and token -1 when the answer ends without showing it.
func (e *Engine) draw(f *flight, logits []float32, position int) Event {
	f.wait()
	token, err := f.sampler.Sample(&e.work, logits, position)
	if err != nil {
		return Event{Err: err}
	}
	if slices.Contains(f.req.StopTokens, token) {
		return Event{Finish: Stop, Token: -1}
	}
	event := Event{Token: token}
	if f.req.Logprobs >= 0 {
		event.Logprob, event.Top = sampler.Logprobs(logits, token, f.req.Logprobs)
	}
	f.sampler.Accept(token)
	f.drawn++
	switch {
	case f.sampler.Done():
		event.Finish = Stop
	case f.left() == 0:
		event.Finish = Length
	}
	return event
}

// left is how many tokens the answer may still have.
func (f *flight) left() int { return f.req.MaxTokens - f.drawn }

// count keeps the books of a commit that drew tokens.
func (e *Engine) count(f *flight, tokens, drafted, accepted int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(f.seq.Tokens) == len(f.req.Prompt) {
		e.stats.Prompt += uint64(len(f.req.Prompt))
	}
	e.stats.Generated += uint64(tokens)
	e.stats.Drafted += uint64(drafted)
	e.stats.Accepted += uint64(accepted)
}

// reportPrompt sends the log probabilities of prompt tokens that these logits
// predict, those of position first and on, each once even when a preempted
// prompt is computed again.
func (e *Engine) reportPrompt(f *flight, logits tensor.Matrix, first int) {
	for i := range logits.Rows {
		next := first + i + 1 // the position that these logits predict
		if next != f.reported+1 || next >= len(f.req.Prompt) {
			continue
		}
		event := Event{Token: f.req.Prompt[next], Prompt: true}
		event.Logprob, event.Top = sampler.Logprobs(logits.Row(i), event.Token, max(0, f.req.Logprobs))
		f.reported = next
		f.stream.Push(event)
	}
}
