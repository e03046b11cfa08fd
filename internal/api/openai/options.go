package openai

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
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
func (s *server) options(c *httpapi.Call, minTokens int) (options, error) {
	r := reader{c.Body, s.cfg.Completer.Tokenizer.Vocab()}
	o := options{n: 1, logprobs: -1, promptLogprobs: -1}
	o.request.ID, o.request.Arrived = access.FromContext(c.Context).ID, c.Arrived
	s.checkModel(c.Body)
	o.request.Params = r.sampling()
	r.Flag("stream", &o.stream)
	r.streamOptions(&o)
	r.IntegerWithin("n", &o.n, 1, s.maxChoices())
	o.bound, o.bounded = r.maxTokens(minTokens)
	r.ending(&o.request)
	o.request.Output = r.structuredOutput()
	r.cacheSalt(&o.request.CacheSalt)
	r.IntegerWithin("prompt_logprobs", &o.promptLogprobs, 0, completion.MaxLogprobs)
	if o.stream && o.promptLogprobs >= 0 {
		r.Fault("prompt_logprobs", httpapi.CodeValue, "is not given in a stream")
	}
	o.request.FailFast = r.failFast()
	r.Integer("priority", &o.request.Priority)
	o.timeout = r.timeout()
	return o, r.Err()
}

// ask settles what the engine computes for the client's log probabilities.
func (o *options) ask(echo bool) {
	o.request.Logprobs = max(o.logprobs, o.promptLogprobs)
	o.request.PromptLogprobs = echo && o.logprobs >= 0 || o.promptLogprobs >= 0
}

func (r reader) streamOptions(o *options) {
	if inner := r.Inside("stream_options"); inner != nil {
		inner.Flag("include_usage", &o.usage)
		inner.Flag("include_nodes", &o.request.ReportNodes)
		if !o.stream {
			r.Fault("stream_options", httpapi.CodeValue, "needs stream to be true")
		}
	}
}

// timeout reads the client's own deadline, seconds.
func (r reader) timeout() time.Duration {
	var seconds float64
	if r.Number("timeout", &seconds); seconds <= 0 && r.Has("timeout") {
		r.Fault("timeout", httpapi.CodeValue, "is %v seconds, expected more than 0", seconds)
	}
	const maxTimeout = 365 * 24 * time.Hour // far beyond any server's deadline
	return time.Duration(min(seconds, maxTimeout.Seconds()) * float64(time.Second))
}

// cacheSalt reads whose prefix cache a request shares.
func (r reader) cacheSalt(v *string) {
	if r.Text("cache_salt", v); *v == "" && r.Has("cache_salt") {
		r.Fault("cache_salt", httpapi.CodeValue, "is empty, expected a text, or no cache_salt for the common cache")
	}
}

// failFast reads whether a missing expert ends the request.
func (r reader) failFast() bool {
	policy := "wait"
	r.Text("on_missing_expert", &policy)
	if policy != "wait" && policy != "fail" {
		r.Fault("on_missing_expert", httpapi.CodeValue, "is %q, expected wait or fail", policy)
	}
	return policy == "fail"
}

func (s *server) maxChoices() int {
	if s.cfg.MaxChoices == 0 {
		return completion.MaxChoices
	}
	return min(completion.MaxChoices, s.cfg.MaxChoices)
}

// countChoices checks that a request's answers can ever be taken on together.
func (s *server) countChoices(prompts, n int) error {
	if limit := s.maxChoices(); prompts*n > limit {
		return httpapi.Invalid("n", httpapi.CodeValue, fmt.Sprintf("%d prompts with n %d are %d answers, expected at most %d", prompts, n, prompts*n, limit))
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
