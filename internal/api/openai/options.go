package openai

import (
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// options are what chat and completions have in common.
type options struct {
	generation.Options
	n int // answers to a prompt
	// candidates are the answers made for each prompt, of which the n best are
	// given.
	candidates int
	logprobs   int // alternatives to show of each token; -1 is no log probabilities
	// promptLogprobs is the same of the prompt's tokens, beside the answer.
	promptLogprobs int
	stream         bool
	usage          bool // a final usage chunk is wanted
	bound          int  // of the answer's tokens, when bounded
	bounded        bool
}

// options reads the common parameters. minTokens is the minimum of max_tokens: 0
// where an endpoint can return the prompt only.
func (s *server) options(c *httpapi.Call, minTokens int) (options, error) {
	r := c.Body
	generation.CheckModel(r, s.cfg.Model)
	o := options{Options: generation.Read(c, s.cfg.Service), n: 1, logprobs: -1, promptLogprobs: -1}
	r.Flag("stream", &o.stream)
	streamOptions(r, &o)
	r.IntegerWithin("n", &o.n, 1, s.maxChoices())
	o.bound, o.bounded = maxTokens(r, minTokens)
	o.Request.Stop = generation.Stop(r, "stop")
	o.Request.Output = structuredOutput(r)
	r.IntegerWithin("prompt_logprobs", &o.promptLogprobs, 0, completion.MaxLogprobs)
	if o.stream && o.promptLogprobs >= 0 {
		r.Fault("prompt_logprobs", httpapi.CodeValue, "is not given in a stream")
	}
	return o, r.Err()
}

// ask settles what the engine computes for the client's log probabilities.
func (o *options) ask(echo bool) {
	o.Request.Logprobs = max(o.logprobs, o.promptLogprobs)
	o.Request.PromptLogprobs = echo && o.logprobs >= 0 || o.promptLogprobs >= 0
}

func streamOptions(r *httpapi.Reader, o *options) {
	if inner := r.Inside("stream_options"); inner != nil {
		inner.Flag("include_usage", &o.usage)
		inner.Flag("include_nodes", &o.Request.ReportNodes)
		if !o.stream {
			r.Fault("stream_options", httpapi.CodeValue, "needs stream to be true")
		}
	}
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

// maxTokens reads the two names of one bound.
func maxTokens(r *httpapi.Reader, minimum int) (bound int, ok bool) {
	const old, now = "max_tokens", "max_completion_tokens"
	r.IntegerWithin(old, &bound, minimum, math.MaxInt32)
	if before := bound; r.Has(now) {
		r.IntegerWithin(now, &bound, minimum, math.MaxInt32)
		if r.Has(old) && before != bound {
			r.Fault(old, httpapi.CodeValue, "and %s differ: give one of them", now)
		}
	}
	return bound, r.Has(old) || r.Has(now)
}
