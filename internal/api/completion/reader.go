package completion

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/moe"
)

// Reader reads one answer.
type Reader struct {
	stream  Stream
	cancel  context.CancelCauseFunc
	request Request
	pace    Pace
	text    text
	echo    string
	offsets []int // of the prompt's tokens
	seen    int   // the last prompt token that was reported
	// Generated counts the tokens of the answer, a stop text's included.
	Generated int
	// Reasoned counts those of them that are reasoning.
	Reasoned int
	// Nodes are the nodes that have computed experts for the answer, with
	// Request.ReportNodes.
	Nodes []moe.NodeID
	// Cached counts the tokens of the prompt that the prefix cache had, once a token
	// was read.
	Cached int
}

// Close cancels the answer; the engine drops it within a step.
func (r *Reader) Close() { r.cancel(nil) }

// Echo is the prompt as text, without a half character at its end.
func (r *Reader) Echo() string { return r.echo }

// Prompt returns the prompt's tokens.
func (r *Reader) Prompt() []int32 { return r.request.Prompt }

// prime decodes the prompt, so that the answer continues its text.
func (r *Reader) prime() {
	var echo strings.Builder
	runes := 0
	for _, id := range r.request.Prompt {
		r.offsets = append(r.offsets, runes)
		s := r.text.decoder.Next(id)
		runes += utf8.RuneCountInString(s)
		echo.WriteString(s)
	}
	r.echo = echo.String()
	if r.request.Echo {
		r.text.runes = runes
	}
}

// Next waits for more. After a Delta with a Finish it must not be called.
func (r *Reader) Next(ctx context.Context) (Delta, error) {
	var d Delta
	for d.empty() {
		events, err := r.stream.Next(ctx)
		if err != nil {
			return Delta{}, err
		}
		if err := r.read(events, &d); err != nil {
			return Delta{}, err
		}
	}
	if d.Finish != engine.NotFinished {
		r.cancel(engine.ErrEnough)
	}
	return d, nil
}

// read adds events to a delta, up to the one that ends the answer.
func (r *Reader) read(events []engine.Event, d *Delta) error {
	before := r.Generated
	for _, e := range events {
		r.Cached = max(r.Cached, e.Cached)
		if e.Nodes != nil {
			r.Nodes = e.Nodes
		}
		switch {
		case e.Err != nil:
			return e.Err
		case e.Prompt:
			d.Prompt = append(d.Prompt, r.promptToken(e))
			continue
		case r.request.PromptOnly:
			d.Finish = engine.Length
			return nil
		case e.Token >= 0:
			r.Generated++
			r.text.add(e)
		}
		final := e.Finish != engine.NotFinished
		if final {
			r.text.flush()
		}
		stopped := r.text.release(d, final, r.Generated > r.request.Params.MinTokens)
		if last := len(d.Parts) - 1; last >= 0 && d.Parts[last].Kind == Reasoning {
			r.Reasoned = r.Generated
		}
		switch d.Finish = e.Finish; {
		case stopped:
			d.Finish = engine.Stop
		case e.Finish == engine.Stop && r.text.parser != nil && r.text.parser.Complete():
			d.Finish = ToolCalls
		}
		if d.Finish != engine.NotFinished {
			break
		}
	}
	r.nameCalls(d)
	r.pace.Drew(r.Generated - before)
	return nil
}

// nameCalls gives an id to each call that begins in a delta.
func (r *Reader) nameCalls(d *Delta) {
	for i, p := range d.Parts {
		if p.Kind == CallBegun {
			d.Parts[i].ID = r.request.callID(p.Index)
		}
	}
}

// promptToken places a token of the prompt; they come in order, from the
// second on.
func (r *Reader) promptToken(e engine.Event) Token {
	r.seen++
	t := Token{Event: e}
	if r.seen < len(r.offsets) {
		t.Offset = r.offsets[r.seen]
	}
	return t
}
