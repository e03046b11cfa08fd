package completion

import (
	"context"
	"strings"

	"github.com/hachi-serve/hachi/model/tokenizer"
	"github.com/hachi-serve/hachi/router/engine"
)

// Engine accepts requests: engine.Engine.
type Engine interface {
	Submit(ctx context.Context, r engine.Request) (*engine.Stream, error)
}

// Delta is what became certain of an answer.
type Delta struct {
	Text   string
	Tokens []engine.Event // with log probabilities, when asked for
	Finish engine.FinishReason
}

// Reader reads one answer.
type Reader struct {
	stream  *engine.Stream
	cancel  context.CancelFunc
	decoder *tokenizer.Decoder
	stops   []string
	held    string // decoded, may be the start of a stop text
	// Generated counts the tokens of the answer.
	Generated int
}

// Start submits a request. Close must be called.
func Start(ctx context.Context, e Engine, t *tokenizer.Tokenizer, r engine.Request, stops []string) (*Reader, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := e.Submit(ctx, r)
	if err != nil {
		cancel()
		return nil, err
	}
	return &Reader{stream: stream, cancel: cancel, decoder: t.NewDecoder(), stops: stops}, nil
}

// Close gives up the answer; the engine forgets it within a step.
func (r *Reader) Close() { r.cancel() }

// Next waits for more. After a Delta with a Finish it must not be called.
func (r *Reader) Next(ctx context.Context) (Delta, error) {
	events, err := r.stream.Next(ctx)
	if err != nil {
		return Delta{}, err
	}
	var d Delta
	for _, e := range events {
		if e.Err != nil {
			return d, e.Err
		}
		if !e.Prompt && !(e.Finish == engine.Stop && e.Token < 0) {
			r.Generated++
			r.held += r.decoder.Next(e.Token)
		}
		if e.Prompt || e.Token >= 0 {
			d.Tokens = append(d.Tokens, e)
		}
		if e.Finish != engine.NotFinished {
			r.held += r.decoder.Flush()
		}
		text, stopped := r.release(e.Finish != engine.NotFinished)
		d.Text += text
		d.Finish = e.Finish
		if stopped {
			d.Finish = engine.Stop
		}
		if d.Finish != engine.NotFinished {
			r.cancel()
			return d, nil
		}
	}
	return d, nil
}

// release returns the part of the held text that is certain, and whether a
// stop text was found.
func (r *Reader) release(final bool) (string, bool) {
	first := -1
	for _, stop := range r.stops {
		if i := strings.Index(r.held, stop); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		text := r.held[:first]
		r.held = ""
		return text, true
	}
	keep := 0
	if !final {
		for _, stop := range r.stops {
			for n := min(len(stop)-1, len(r.held)); n > keep; n-- {
				if strings.HasSuffix(r.held, stop[:n]) {
					keep = n
				}
			}
		}
	}
	text := r.held[:len(r.held)-keep]
	r.held = r.held[len(r.held)-keep:]
	return text, false
}
