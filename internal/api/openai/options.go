package openai

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
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
	stream         bool
	usage          bool          // a final usage chunk is wanted
	timeout        time.Duration // the client's own; 0 is none
	bound          int           // of the answer's tokens, when bounded
	bounded        bool
}

// options reads the common parameters. minTokens is the minimum of max_tokens: 0
// where an endpoint can return the prompt only.
func (s *Server) options(c call, minTokens int) (options, error) {
	r := &reader{f: c.fields, vocab: s.cfg.Completer.Tokenizer.Vocab()}
	o := options{n: 1, logprobs: -1, promptLogprobs: -1}
	o.request.ID, o.request.Arrived = access.FromContext(c.ctx).ID, c.arrived
	var name string
	if r.text("model", &name); r.err == nil {
		r.err = s.known(name)
	}
	o.request.Params = r.sampling()
	r.flag("stream", &o.stream)
	r.streamOptions(&o)
	r.integerWithin("n", &o.n, 1, s.maxChoices())
	o.bound, o.bounded = r.maxTokens(minTokens)
	r.ending(&o.request)
	o.request.Output = r.structuredOutput()
	r.cacheSalt(&o.request.CacheSalt)
	r.integerWithin("prompt_logprobs", &o.promptLogprobs, 0, completion.MaxLogprobs)
	if o.stream && o.promptLogprobs >= 0 {
		r.fault("prompt_logprobs", codeValue, "is not given in a stream")
	}
	o.request.FailFast = r.failFast()
	r.integer("priority", &o.request.Priority)
	o.timeout = r.timeout()
	return o, r.err
}

// ask settles what the engine computes for the client's log probabilities.
func (o *options) ask(echo bool) {
	o.request.Logprobs = max(o.logprobs, o.promptLogprobs)
	o.request.PromptLogprobs = echo && o.logprobs >= 0 || o.promptLogprobs >= 0
}

func (r *reader) streamOptions(o *options) {
	if inner := r.inside("stream_options"); inner != nil {
		inner.flag("include_usage", &o.usage)
		inner.flag("include_nodes", &o.request.ReportNodes)
		if r.err = inner.err; !o.stream {
			r.fault("stream_options", codeValue, "needs stream to be true")
		}
	}
}

// timeout reads the client's own deadline, seconds.
func (r *reader) timeout() time.Duration {
	var seconds float64
	if r.number("timeout", &seconds); seconds <= 0 && r.f.has("timeout") {
		r.fault("timeout", codeValue, "is %v seconds, expected more than 0", seconds)
	}
	const maxTimeout = 365 * 24 * time.Hour // far beyond any server's deadline
	return time.Duration(min(seconds, maxTimeout.Seconds()) * float64(time.Second))
}

// cacheSalt reads whose prefix cache a request shares.
func (r *reader) cacheSalt(v *string) {
	if r.text("cache_salt", v); *v == "" && r.f.has("cache_salt") {
		r.fault("cache_salt", codeValue, "is empty, expected a text, or no cache_salt for the common cache")
	}
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
		return completion.MaxChoices
	}
	return min(completion.MaxChoices, s.cfg.MaxChoices)
}

// countChoices checks that a request's answers can ever be taken on together.
func (s *Server) countChoices(prompts, n int) error {
	if limit := s.maxChoices(); prompts*n > limit {
		return invalid("n", codeValue, fmt.Sprintf("%d prompts with n %d are %d answers, expected at most %d", prompts, n, prompts*n, limit))
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
