package completion

import (
	"context"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Completer completes prompts.
type Completer struct {
	Engine    Engine
	Tokenizer *tokenizer.Tokenizer
	// StopTokens end an answer, besides the tokenizer's end of sequence.
	StopTokens []int32
	Context    int // the maximum length of a sequence, prompt and answer, tokens
	Observe    Observer
}

// Request is what to complete.
type Request struct {
	engine.Request
	// Stop are texts that end the answer, once it has more than Params.MinTokens
	// tokens; none of them is empty.
	Stop []string
	// Output is what the answer must be; nil is any text.
	Output *StructuredOutput
	// CacheSalt separates prefix caches: a request reads only blocks that requests
	// of the same salt and of the same client computed. "" is the client's common
	// cache.
	CacheSalt string
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

	turn *Turn // set by Turn.Answers; nil is no turn of a conversation
}

// Start submits a request. Close must be called. The error may be a *Fault, a
// *ContextError, a *TokenError, ErrEmpty, *sampler.ParamErrors, a *keys.Refusal, or
// the engine's. The request is that of the keys.Caller of ctx: its API key bounds the
// priority and chooses the prefix cache.
func (c *Completer) Start(ctx context.Context, r Request) (*Reader, error) {
	if err := c.accept(ctx, &r); err != nil {
		return nil, err
	}
	r.Request.CacheSalt = salt(keys.FromContext(ctx).Salt(r.CacheSalt))
	ctx, cancel := context.WithCancelCause(ctx)
	stream, err := c.Engine.Submit(ctx, r.Request, c.language(&r))
	if err != nil {
		cancel(nil)
		return nil, r.blamed(err)
	}
	reader := &Reader{stream: stream, cancel: cancel, request: r, pace: Pace{Observe: c.Observe, Arrived: r.Arrived, Trace: TraceOf(ctx)}}
	reader.text = text{decoder: c.decoder(&r), stops: r.Stop}
	reader.text.parser, _ = r.turn.parser() // Prepare has refused to continue a call
	if !r.NewText {
		reader.prime()
	}
	return reader, nil
}

// Accepts returns the error with which Start would refuse a request that the engine has
// room for.
func (c *Completer) Accepts(ctx context.Context, r Request) error {
	if err := c.accept(ctx, &r); err != nil {
		return err
	}
	if l := c.language(&r); l != nil {
		return r.blamed(c.Engine.Check(ctx, l))
	}
	return nil
}

// accept checks a request and derives what the engine reads of it.
func (c *Completer) accept(ctx context.Context, r *Request) error {
	if err := c.Validate(*r); err != nil {
		return err
	}
	if err := c.Check(r.Prompt); err != nil {
		return err
	}
	if err := keys.FromContext(ctx).CheckPriority(r.Priority); err != nil {
		return err
	}
	c.complete(r)
	return nil
}

// complete derives what the engine reads of a valid request.
func (c *Completer) complete(r *Request) {
	if !r.IgnoreEOS {
		r.StopTokens = slices.Concat(r.StopTokens, c.StopTokens, []int32{c.Tokenizer.EOS()})
	}
	if r.Arrived.IsZero() {
		r.Arrived = time.Now()
	}
	if r.PromptOnly {
		// The last token's logits are computed anyway; one drawn token ends the
		// answer.
		r.MaxTokens = 1
	}
}
