package openai

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/sampler"
)

const (
	// maxChoices bounds n, and the answers of one request in all.
	maxChoices = 128
	// MaxLogprobs bounds the alternatives of a token.
	MaxLogprobs = 20
	// MaxStops bounds the stop texts.
	MaxStops = 16
)

// options are what chat and completions have in common.
type options struct {
	request completion.Request
	n       int
	stream  bool
	usage   bool          // a final usage chunk is wanted
	timeout time.Duration // the client's own; 0 is none
	bound   int           // of the answer's tokens, when bounded
	bounded bool
}

// options reads the common parameters. A least bound of 0 tokens is for an
// endpoint that can give back the prompt alone.
func (s *Server) options(f fields, least int) (options, error) {
	r := &reader{f: f}
	o := options{n: 1}
	var name string
	if r.text("model", &name); r.err == nil {
		r.err = s.known(name)
	}
	o.request.Logprobs = -1
	o.request.Params = r.sampling()
	r.flag("stream", &o.stream)
	r.streamOptions(o.stream, &o.usage)
	r.integer("n", &o.n, 1, s.maxChoices())
	o.bound, o.bounded = r.maxTokens(least)
	o.request.Stop = r.stops()
	o.request.FailFast = r.failFast()
	r.integer("priority", &o.request.Priority, math.MinInt32, math.MaxInt32)
	o.timeout = r.timeout()
	return o, r.err
}

// sampling reads how a token is drawn.
func (r *reader) sampling() sampler.Params {
	p := sampler.Params{Temperature: 1, TopP: 1, Seed: rand.Uint64()}
	r.number("temperature", &p.Temperature, 0, 2)
	r.number("top_p", &p.TopP, 0, 1)
	if p.TopP == 0 {
		r.fault("top_p", codeValue, "is 0, expected more than 0, at most 1")
	}
	r.integer("top_k", &p.TopK, -1, math.MaxInt32)
	p.TopK = max(p.TopK, 0) // -1 is what other servers call off
	r.number("min_p", &p.MinP, 0, 1)
	r.seed(&p.Seed)
	return p
}

// seed reads a signed or unsigned 64-bit integer.
func (r *reader) seed(v *uint64) {
	raw, ok := r.value("seed", "a number")
	if !ok {
		return
	}
	if x, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		*v = x
		return
	}
	x, ok := whole(raw)
	if !ok || x == math.MaxInt64 || x == math.MinInt64 && string(raw) != strconv.Itoa(math.MinInt64) {
		r.fault("seed", codeValue, "is %s, expected a 64-bit integer", raw)
		return
	}
	*v = uint64(x)
}

func (r *reader) streamOptions(stream bool, usage *bool) {
	raw, ok := r.value("stream_options", "an object")
	if !ok {
		return
	}
	if !stream {
		r.fault("stream_options", codeValue, "needs stream to be true")
		return
	}
	f, err := object("stream_options", raw)
	if err != nil {
		r.err = err
		return
	}
	inner := &reader{f: f, prefix: "stream_options."}
	inner.flag("include_usage", usage)
	r.err = inner.err
}

// maxTokens reads the two names of one bound.
func (r *reader) maxTokens(least int) (bound int, ok bool) {
	const old, now = "max_tokens", "max_completion_tokens"
	r.integer(old, &bound, least, math.MaxInt32)
	if before := bound; r.f.has(now) {
		r.integer(now, &bound, least, math.MaxInt32)
		if r.f.has(old) && before != bound {
			r.fault(old, codeValue, "and %s differ: give one of them", now)
		}
	}
	return bound, r.f.has(old) || r.f.has(now)
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

// stops reads stop: a text, or a list of them.
func (r *reader) stops() []string {
	if r.err != nil || !r.f.has("stop") {
		return nil
	}
	raw := r.f["stop"]
	var texts []string
	switch kindOf(raw) {
	case "a string":
		texts = []string{asText(raw)}
	case "a list":
		var ok bool
		if texts, ok = listOfTexts(raw); !ok {
			r.fault("stop", codeType, "has something else than texts in its list")
		}
	default:
		r.fault("stop", codeType, "is %s, expected a text or a list of texts", kindOf(raw))
	}
	if len(texts) > MaxStops {
		r.fault("stop", codeValue, "has %d texts, expected at most %d", len(texts), MaxStops)
	}
	for _, text := range texts {
		if text == "" {
			r.fault("stop", codeValue, "has an empty text: it would end every answer before its first character")
		}
	}
	return texts
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
