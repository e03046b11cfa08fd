package completion

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Engine accepts requests: engine.Engine.
type Engine interface {
	Submit(ctx context.Context, r engine.Request) (*engine.Stream, error)
}

// Observer is told about answers, for metrics; nil functions are not called,
// others from any goroutine.
// Times are of one answer: several answers to one prompt do not mix.
type Observer struct {
	FirstToken func(time.Duration) // from the request's arrival
	NextToken  func(time.Duration) // from the token before
}

// Completer completes prompts.
type Completer struct {
	Engine    Engine
	Tokenizer *tokenizer.Tokenizer
	// Ends are tokens that end an answer, besides the tokenizer's.
	Ends     []int32
	Context  int // the longest sequence, prompt and answer, tokens
	Grammars *Grammars
	Observe  Observer
}

// Request is what to complete.
type Request struct {
	engine.Request
	// Stop are texts that end the answer, once it has more than its least
	// tokens; none of them is empty.
	Stop []string
	// Grammar keeps the answer within a language; nil is any. It is one of the
	// Completer's Grammars for the same prompt and NewText.
	Grammar *grammar.Grammar
	// IgnoreEOS goes on after the end of sequence.
	IgnoreEOS bool
	// NewText makes the answer a text of its own, as a chat turn is, and not
	// the continuation of the prompt's text.
	NewText bool
	// PromptOnly generates nothing: for the prompt's log probabilities.
	PromptOnly bool
	// Echo counts offsets from the beginning of the prompt.
	Echo bool
	// Arrived is when the client asked; zero is now.
	Arrived time.Time
}

// Start submits a request. Close must be called. The error may be a
// *ContextError, a *TokenError, ErrEmpty, or about the parameters.
func (c *Completer) Start(ctx context.Context, r Request) (*Reader, error) {
	if err := r.Params.Validate(); err != nil {
		return nil, err
	}
	if err := c.Check(r.Prompt); err != nil {
		return nil, err
	}
	if !r.IgnoreEOS {
		r.StopTokens = slices.Concat(r.StopTokens, c.Ends, []int32{c.Tokenizer.EOS()})
	}
	if r.Grammar != nil {
		r.Matcher = r.Grammar.Matcher()
	}
	if r.Arrived.IsZero() {
		r.Arrived = time.Now()
	}
	if r.PromptOnly {
		// The last token's logits are there anyway; one drawn token ends it.
		r.MaxTokens = 1
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stream, err := c.Engine.Submit(ctx, r.Request)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	reader := &Reader{stream: stream, cancel: cancel, request: r, observe: c.Observe}
	reader.text.stops = r.Stop
	reader.text.decoder = c.Tokenizer.NewDecoder()
	if !r.NewText {
		reader.prime()
	}
	return reader, nil
}
