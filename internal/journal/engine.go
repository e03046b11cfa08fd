package journal

import (
	"context"
	"errors"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// Engine writes the requests of an engine into a journal.
type Engine struct {
	completion.Engine
	Journal *Journal
}

// Submit implements completion.Engine.
func (e Engine) Submit(ctx context.Context, r engine.Request, l *completion.Language) (completion.Stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	number := e.Journal.Begin(Request{
		ID: r.ID, Client: keys.FromContext(ctx).Name(), Choice: r.Choice, Prompt: len(r.Prompt), Tokens: len(r.Answer), Trace: completion.TraceOf(ctx),
	}, cancel)
	r.Moved = func(to engine.Stage, computed int) { e.Journal.Move(number, to, computed) }
	stream, err := e.Engine.Submit(ctx, r, l)
	if err != nil {
		e.Journal.End(number, phaseOf(err), whyOf(err))
		cancel(nil)
		return nil, err
	}
	// A reader that leaves reads no last event.
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		e.Journal.End(number, phaseOf(cause), whyOf(cause))
	})
	return &reader{stream, e.Journal, number, func() { stop(); cancel(nil) }}, nil
}

// phaseOf is how an error ends a request.
func phaseOf(err error) Phase {
	if errors.Is(err, context.Canceled) || errors.Is(err, completion.ErrCanceled) {
		return Canceled
	}
	return Failed
}

// left is why an answer ended whose context its client has ended.
const left = "the client has gone"

// whyOf is why a request ended by an error.
func whyOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return left
	}
	return err.Error()
}

// reader notes what it hands on.
type reader struct {
	completion.Stream
	journal *Journal
	number  uint64
	release func()
}

// Next implements completion.Stream.
func (r *reader) Next(ctx context.Context) ([]engine.Event, error) {
	events, err := r.Stream.Next(ctx)
	drawn, cached := 0, 0
	for _, e := range events {
		if e.Token >= 0 && !e.Prompt && e.Err == nil {
			drawn++
		}
		cached = e.Cached
	}
	r.journal.Drew(r.number, drawn, cached)
	if n := len(events); n > 0 {
		switch last := events[n-1]; {
		case last.Err != nil:
			r.journal.End(r.number, phaseOf(last.Err), whyOf(last.Err))
			r.release()
		case last.Finish != engine.NotFinished:
			r.journal.End(r.number, Done, string(last.Finish))
			r.release()
		}
	}
	return events, err
}
