package engine

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// drawing is the result of a step for one request. Draws of different requests
// run in parallel; commit applies their results one after another. A draw changes
// the sampler and cannot be repeated, so each drawing of a step is either committed
// or ends its request.
type drawing struct {
	f      *activeRequest
	logits tensor.Matrix // of the span's last rows
	end    int           // position after the span

	drew     bool // the span reached the end of the known tokens
	drafted  int  // draft tokens that were verified
	accepted int  // of them, equal to what was drawn
	tokens   []int32
	events   []Event // all but the last
	last     Event

	err error // the draw panicked: nothing above counts
}

// drawAll draws for every span, in up to GOMAXPROCS goroutines that it joins. A
// draw depends on its own request only, so the order is free.
func (e *Engine) drawAll(spans []scheduler.Span, logits tensor.Matrix) []*drawing {
	// All spans get their logits before the first draw: a draw changes what outputs
	// returns for its request.
	// The columns end with the tokenizer's tokens, so a draw does not see padding.
	all, row := make([]*drawing, len(spans)), 0
	for i, span := range spans {
		n := e.outputs(span)
		all[i] = &drawing{
			f: e.active[span.Seq.ID], end: span.Seq.Computed + span.N, drafted: span.Drafted(),
			logits: tensor.Matrix{Rows: n, Cols: e.cfg.Vocab, Stride: logits.Stride, Data: logits.Data[row*logits.Stride:]},
		}
		row += n
	}
	for len(e.work) < runtime.GOMAXPROCS(0) {
		e.work = append(e.work, &sampler.Workspace{})
	}
	// Goroutines take one drawing at a time, because draws differ in cost: top_p
	// reads the vocabulary several times, temperature 0 once.
	var next atomic.Int64
	draw := func(w *sampler.Workspace) {
		for i := next.Add(1); int(i) <= len(all); i = next.Add(1) {
			all[i-1].runGuarded(w)
		}
	}
	var others sync.WaitGroup
	for _, w := range e.work[1:min(len(e.work), max(1, min(row, len(all))))] {
		others.Go(func() { draw(w) })
	}
	draw(e.work[0])
	others.Wait()
	return all
}

// runGuarded runs the drawing; a panic, of a grammar for example, is an error of
// its request only. The workspace may have been left half written.
func (d *drawing) runGuarded(w *sampler.Workspace) {
	defer func() {
		if d.err != nil {
			*w = sampler.Workspace{}
		}
	}()
	defer moe.Recover("draw", &d.err)
	d.run(w)
}

// run reports the prompt's log probabilities and draws the token after the known
// ones, then one more after each draft token that equals the drawn one. The
// random number of a draw depends on its position, not on the step, so a draw after
// a draft token is the draw that a step of its own would make.
func (d *drawing) run(w *sampler.Workspace) {
	f := d.f
	if f.req.PromptLogprobs {
		d.reportPrompt(d.end - d.logits.Rows)
	}
	known := len(f.seq.Tokens)
	if d.end < known {
		return
	}
	d.drew = true
	first := d.logits.Rows - 1 - d.drafted // the logits after the last known token
	for {
		d.last = f.draw(w, d.logits.Row(first+d.accepted), known+len(d.tokens))
		if d.last.Err != nil || d.last.Token < 0 {
			return
		}
		d.tokens = append(d.tokens, d.last.Token)
		if d.last.Finish != NotFinished {
			return
		}
		d.events = append(d.events, d.last)
		if d.accepted == d.drafted || f.seq.Draft[d.accepted] != d.last.Token {
			return
		}
		d.accepted++
	}
}

// draw makes the next token of an answer. The event has Finish or Err when it
// is the last, and token -1 when the answer ends without showing it.
func (f *activeRequest) draw(w *sampler.Workspace, logits []float32, position int) Event {
	if err := f.awaitMask(); err != nil {
		return Event{Err: err}
	}
	token, err := f.sampler.Sample(w, logits, position)
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

// left is the number of tokens by which the answer may still grow.
func (f *activeRequest) left() int { return f.req.MaxTokens - f.drawn }

// reportPrompt reports the log probabilities of prompt tokens that the logits
// predict, those of position first and on, each once even when a preempted
// prompt is computed again.
func (d *drawing) reportPrompt(first int) {
	f := d.f
	for i := range d.logits.Rows {
		next := first + i + 1 // the position that these logits predict
		if next != f.reported+1 || next >= len(f.req.Prompt) {
			continue
		}
		event := Event{Token: f.req.Prompt[next], Prompt: true}
		event.Logprob, event.Top = sampler.Logprobs(d.logits.Row(i), event.Token, max(0, f.req.Logprobs))
		f.reported = next
		d.events = append(d.events, event)
	}
}
