package completion

import (
	"context"
	"errors"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// Engine draws the tokens of answers: Local in a router, and one that sends requests
// to routers in a gateway.
type Engine interface {
	// Submit queues a request until it is served or ctx ends. l is what the answer
	// must be; nil is any text. The error may be a *GrammarError, or any of
	// engine.Engine's, before the first token.
	Submit(ctx context.Context, r engine.Request, l *Language) (Stream, error)
	// Check returns the error with which Submit would refuse a language, and otherwise
	// nothing happens.
	Check(ctx context.Context, l *Language) error
}

// Stream is what an engine has drawn for one request: *engine.Stream, or one that
// comes from a router.
type Stream interface {
	// Next waits for events and returns all that are pending, in order. Only the last
	// event of an answer has Finish or Err; after it Next must not be called again.
	// The error is that of ctx, or says that nothing more can come.
	Next(ctx context.Context) ([]engine.Event, error)
}

// GrammarError is why no answer can be constrained to a language.
type GrammarError struct {
	// Unsupported says that the server is unable, whatever the language is.
	Unsupported bool
	Err         error // may be a *grammar.FunctionFault
}

func (e *GrammarError) Error() string { return e.Err.Error() }
func (e *GrammarError) Unwrap() error { return e.Err }

// Local is the engine of this process.
type Local struct {
	Engine interface {
		Submit(ctx context.Context, r engine.Request) (*engine.Stream, error)
	}
	Grammars *Grammars // nil refuses structured output
}

// Submit implements Engine.
func (e Local) Submit(ctx context.Context, r engine.Request, l *Language) (Stream, error) {
	if l != nil {
		m, err := e.matcher(ctx, l)
		if err != nil {
			return nil, err
		}
		r.Matcher = m
	}
	stream, err := e.Engine.Submit(ctx, r)
	if err != nil {
		return nil, err // not a Stream that holds a nil pointer
	}
	return stream, nil
}

// Check implements Engine.
func (e Local) Check(ctx context.Context, l *Language) error {
	_, err := e.matcher(ctx, l)
	return err
}

// matcher compiles a language. A language that was compiled before costs a look-up.
func (e Local) matcher(ctx context.Context, l *Language) (sampler.Matcher, error) {
	if e.Grammars == nil {
		return nil, &GrammarError{Unsupported: true, Err: errNoGrammars}
	}
	return e.Grammars.matcher(ctx, l)
}

var errNoGrammars = errors.New("is not supported by this server")
