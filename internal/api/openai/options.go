package openai

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

const (
	// maxChoices bounds n, and the answers of one request in all.
	maxChoices = 128
	// MaxLogprobs bounds the alternatives of a token.
	MaxLogprobs = 20
)

// options are what chat and completions have in common.
type options struct {
	request completion.Request
	n       int // answers to a prompt
	// candidates are the answers made for each prompt, of which the n best are
	// given.
	candidates int
	logprobs   int // alternatives to show of each token; -1 is no log probabilities
	// promptLogprobs is the same of the prompt's tokens, beside the answer.
	promptLogprobs int
	language       *language // nil is any
	stream         bool
	usage          bool          // a final usage chunk is wanted
	timeout        time.Duration // the client's own; 0 is none
	bound          int           // of the answer's tokens, when bounded
	bounded        bool
}

// options reads the common parameters. A least bound of 0 tokens is for an
// endpoint that can give back the prompt alone.
func (s *Server) options(c call, least int) (options, error) {
	r := &reader{f: c.fields}
	o := options{n: 1, logprobs: -1, promptLogprobs: -1}
	o.request.Arrived = c.arrived
	var name string
	if r.text("model", &name); r.err == nil {
		r.err = s.known(name)
	}
	vocab := s.cfg.Completer.Tokenizer.Vocab()
	o.request.Params = r.sampling(vocab)
	r.flag("stream", &o.stream)
	r.streamOptions(o.stream, &o.usage)
	r.integer("n", &o.n, 1, s.maxChoices())
	o.bound, o.bounded = r.maxTokens(least)
	r.ending(&o, vocab)
	o.language = r.language()
	r.integer("prompt_logprobs", &o.promptLogprobs, 0, MaxLogprobs)
	if o.stream && o.promptLogprobs >= 0 {
		r.fault("prompt_logprobs", codeValue, "is not given in a stream")
	}
	o.request.FailFast = r.failFast()
	r.integer("priority", &o.request.Priority, math.MinInt32, math.MaxInt32)
	o.timeout = r.timeout()
	return o, r.err
}

// ask settles what the engine computes for the client's log probabilities.
func (o *options) ask(echo bool) {
	o.request.Logprobs = max(o.logprobs, o.promptLogprobs)
	o.request.PromptLogprobs = echo && o.logprobs >= 0 || o.promptLogprobs >= 0
}

func (r *reader) streamOptions(stream bool, usage *bool) {
	if inner := r.inside("stream_options"); inner != nil {
		inner.flag("include_usage", usage)
		if r.err = inner.err; !stream {
			r.fault("stream_options", codeValue, "needs stream to be true")
		}
	}
}

// timeout reads the client's own deadline, seconds.
func (r *reader) timeout() time.Duration {
	var seconds float64
	if r.number("timeout", &seconds, 0, math.MaxFloat64); seconds == 0 && r.f.has("timeout") {
		r.fault("timeout", codeValue, "is 0 seconds, expected more")
	}
	const longest = 365 * 24 * time.Hour // far beyond any server's deadline
	return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
}

// failFast reads whether a missing expert ends the request.
func (r *reader) failFast() bool {
	policy := "wait"
	r.text("on_missing_expert", &policy)
	if policy != "wait" && policy != "fail" {
		r.fault("on_missing_expert", codeValue, "is %q, expected wait or fail", policy)
	}
	return policy == "fail"
}

func (s *Server) maxChoices() int {
	if s.cfg.MaxChoices == 0 {
		return maxChoices
	}
	return min(maxChoices, s.cfg.MaxChoices)
}

// countChoices checks that a request's answers can ever be taken on together.
func (s *Server) countChoices(prompts, n int) error {
	if most := s.maxChoices(); prompts*n > most {
		return invalid("n", codeValue, fmt.Sprintf("%d prompts with n %d are %d answers, expected at most %d", prompts, n, prompts*n, most))
	}
	return nil
}

// within bounds a request in time as its client wants; the server's deadline
// holds anyway.
func (o options) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.timeout)
}
