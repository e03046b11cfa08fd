package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// counting is a language whose n-th token is of the class n modulo 3, up to a
// number of tokens. That the mask depends on n shows a matcher that was not advanced.
type counting struct{ n, end int }

func (m *counting) Mask(dst []uint64) {
	clear(dst)
	for t := m.n % 3; t < vocab && m.n < m.end; t += 3 {
		dst[t/64] |= 1 << (t % 64)
	}
}

func (m *counting) Accept(t int32) bool {
	ok := int(t)%3 == m.n%3 && m.n < m.end
	m.n++
	return ok
}

func (m *counting) Done() bool { return m.n == m.end }

// kinds are requests of every kind whose answers depend on the tokens before them.
func kinds() map[string]func() Request {
	with := func(change func(*Request)) func() Request {
		return func() Request {
			r := request(3)
			r.PromptLogprobs = false
			change(&r)
			return r
		}
	}
	all := map[string]func(*Request){
		"greedy":     func(r *Request) { r.Params = sampler.Params{} },
		"seeded":     func(r *Request) { r.Params = sampler.Params{Temperature: 1, Seed: 7} },
		"second":     func(r *Request) { r.Params, r.Choice = sampler.Params{Temperature: 1, Seed: 7}, 1 },
		"repetition": func(r *Request) { r.Params.RepetitionPenalty = 1.7 },
		"frequency":  func(r *Request) { r.Params = sampler.Params{FrequencyPenalty: 1.5} },
		"presence":   func(r *Request) { r.Params = sampler.Params{PresencePenalty: 2} },
		"bias":       func(r *Request) { r.Params.LogitBias = map[int32]float64{3: 4, 5: -100} },
		"top_k":      func(r *Request) { r.Params = sampler.Params{Temperature: 1.5, TopK: 5, Seed: 2} },
		"top_p":      func(r *Request) { r.Params = sampler.Params{Temperature: 1.5, TopP: 0.7, Seed: 3} },
		"min_p":      func(r *Request) { r.Params = sampler.Params{Temperature: 1.5, MinP: 0.1, Seed: 4} },
		"typical_p":  func(r *Request) { r.Params = sampler.Params{Temperature: 1.5, TypicalP: 0.6, Seed: 5} },
		"min_tokens": func(r *Request) {
			r.Params.MinTokens, r.StopTokens = 12, []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
		},
		"stop tokens":  func(r *Request) { r.StopTokens = []int32{11, 12} },
		"no logprobs":  func(r *Request) { r.Logprobs = -1 },
		"whole":        func(r *Request) { r.Prompt, r.MaxTokens = slices.Repeat(r.Prompt, 13), 0 },
		"grammar":      func(r *Request) { r.Matcher = &counting{end: 40} },
		"grammar ends": func(r *Request) { r.Matcher = &counting{end: 20} },
		"both end":     func(r *Request) { r.Matcher = &counting{end: 30} },
	}
	out := map[string]func() Request{}
	for name, change := range all {
		out[name] = with(change)
	}
	return out
}

// events asks an engine and writes down each event: one bit that differs shows.
func events(t *testing.T, e *Engine, r Request) (lines []string, tokens []int32) {
	t.Helper()
	s, err := e.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	all, err := read(t, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range all {
		lines = append(lines, fmt.Sprintf("%v %d %b %v %q", event.Prompt, event.Token, event.Logprob, event.Top, event.Finish))
		if !event.Prompt && event.Token >= 0 {
			tokens = append(tokens, event.Token)
		}
	}
	return lines, tokens
}

// TestAnotherEngineContinuesAnAnswer of every kind after every number of its tokens
// with the same events, bit for bit, whatever that engine has cached and does.
func TestAnotherEngineContinuesAnAnswer(t *testing.T) {
	speculating := func(c *Config) { c.Speculate = 4 }
	others := map[string]*Engine{
		"another":     start(t, 100, wide, nil),
		"speculating": start(t, 100, wide, nil, speculating),
		"in chunks":   start(t, 100, scheduler.Limits{StepTokens: 7, MaxSequences: 16, MaxWaiting: 64}, nil),
	}
	for name, kind := range kinds() {
		t.Run(name, func(t *testing.T) {
			want, answer := events(t, start(t, 100, wide, nil), kind())
			if len(answer) < 3 {
				t.Fatalf("the answer is %v: nothing to cut", answer)
			}
			for k := range answer {
				for where, e := range others {
					r := kind()
					r.Answer = slices.Clone(answer[:k])
					if got, _ := events(t, e, r); !slices.Equal(got, want[k:]) {
						t.Fatalf("%s, after %d tokens: got %q\nwant %q", where, k, got, want[k:])
					}
				}
			}
		})
	}
}

// TestAnAnswerThatHadEndedEndsAtOnce for the same reason, without a step.
func TestAnAnswerThatHadEndedEndsAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Request)
		want   FinishReason
	}{
		"max_tokens":              {func(r *Request) { r.Answer, r.MaxTokens = []int32{0, 1, 2}, 3 }, Length},
		"context":                 {func(r *Request) { r.Answer, r.MaxTokens = make([]int32, 400-len(r.Prompt)), 0 }, Length},
		"grammar":                 {func(r *Request) { r.Answer, r.Matcher = []int32{0, 1, 2}, &counting{end: 3} }, Stop},
		"grammar and max_tokens":  {func(r *Request) { r.Answer, r.Matcher, r.MaxTokens = []int32{0, 1, 2}, &counting{end: 3}, 3 }, Stop},
		"stop token":              {func(r *Request) { r.Answer, r.StopTokens = []int32{0, 1, 7}, []int32{7} }, Stop},
		"stop token, at the end":  {func(r *Request) { r.Answer, r.StopTokens, r.MaxTokens = []int32{0, 1, 7}, []int32{7}, 3 }, Stop},
		"stop token, not allowed": {func(r *Request) { r.Answer, r.StopTokens, r.Matcher = []int32{0, 1, 7}, []int32{7}, &counting{end: 9} }, Stop},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, 100, wide, nil)
			r := request(1)
			tt.change(&r)
			s, err := e.Submit(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(t, s)
			if err != nil || len(got) != 1 || got[0].Token != -1 || got[0].Finish != tt.want {
				t.Errorf("%+v, %v", got, err)
			}
			if s := e.Stats(); s.Steps != 0 || s.Stopped+s.Length != 1 || s.Waiting != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestAnAnswerThatCannotBeIsRefused, and the refused request leaves its place.
func TestAnAnswerThatCannotBeIsRefused(t *testing.T) {
	e := start(t, 100, scheduler.Limits{StepTokens: 64, MaxSequences: 1, MaxWaiting: 1}, nil)
	for name, tt := range map[string]struct {
		change   func(*Request)
		position int
	}{
		"not a token":            {func(r *Request) { r.Answer = []int32{0, vocab} }, 1},
		"negative":               {func(r *Request) { r.Answer = []int32{-1} }, 0},
		"too long":               {func(r *Request) { r.Answer, r.MaxTokens = []int32{0, 1, 2, 0}, 3 }, 3},
		"beyond the context":     {func(r *Request) { r.Answer, r.MaxTokens = make([]int32, 400), 0 }, 400 - 12},
		"after a stop token":     {func(r *Request) { r.Answer, r.StopTokens = []int32{0, 7, 2}, []int32{7} }, 1},
		"the grammar refuses":    {func(r *Request) { r.Answer, r.Matcher = []int32{0, 1, 1}, &counting{end: 9} }, 2},
		"the grammar had ended":  {func(r *Request) { r.Answer, r.Matcher = []int32{0, 1, 2}, &counting{end: 2} }, 2},
		"the grammar is at once": {func(r *Request) { r.Answer, r.Matcher = []int32{1}, &counting{end: 9} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(1)
			tt.change(&r)
			_, err := e.Submit(t.Context(), r)
			var refused *AnswerError
			if !errors.As(err, &refused) || refused.Position != tt.position {
				t.Errorf("%v", err)
			}
		})
	}
	if s := e.Stats(); s.Rejected != 0 || s.Steps != 0 {
		t.Errorf("%+v", s)
	}
	submit(t, e, 1)
}

// TestThePromptIsReportedOnce, also when the first engine ended within it.
func TestThePromptIsReportedOnce(t *testing.T) {
	ask := func(reported int, answer []int32) Request {
		r := request(3)
		r.PromptLogprobs, r.PromptReported, r.Answer = true, reported, answer
		return r
	}
	want, answer := events(t, start(t, 100, wide, nil), ask(0, nil))
	n := len(request(3).Prompt)
	e := start(t, 100, scheduler.Limits{StepTokens: 5, MaxSequences: 16, MaxWaiting: 64}, nil)
	for reported := range n {
		if got, _ := events(t, e, ask(reported, nil)); !slices.Equal(got, want[reported:]) {
			t.Fatalf("%d are reported: got %q\nwant %q", reported, got, want[reported:])
		}
	}
	for k := 1; k < len(answer); k++ {
		if got, _ := events(t, e, ask(0, answer[:k])); !slices.Equal(got, want[n-1+k:]) {
			t.Fatalf("after %d tokens: got %q\nwant %q", k, got, want[n-1+k:])
		}
	}
}

// TestCachedCountsThePromptOnly: an answer so far that the cache has is none of the
// prompt's tokens.
func TestCachedCountsThePromptOnly(t *testing.T) {
	e := start(t, 100, wide, nil)
	r := request(3)
	r.MaxTokens, r.PromptLogprobs = 60, false
	_, answer := events(t, e, r)
	r.Answer = answer[:50]
	s, err := e.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, s)
	if err != nil || got[0].Cached != len(r.Prompt) {
		t.Errorf("%d of %d tokens are cached, %v", got[0].Cached, len(r.Prompt), err)
	}
	if s := e.Stats(); s.Prompt != uint64(2*len(r.Prompt)+50) {
		t.Errorf("%d tokens of prompts", s.Prompt)
	}
}
