package openai

import (
	"context"
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// defaultTokens bounds an answer to a prompt when the client does not.
const defaultTokens = 16

// textAnswer is a whole answer, or a chunk of one.
type textAnswer struct {
	head
	Choices []textChoice `json:"choices"`
	Usage   any          `json:"usage,omitempty"`
	Hachi   *extension   `json:"hachi,omitempty"`
}

type textChoice struct {
	Index    int                  `json:"index"`
	Text     string               `json:"text"`
	Logprobs *textLogprobs        `json:"logprobs"`
	Finish   *engine.FinishReason `json:"finish_reason"`
	Prompt   promptLogprobs       `json:"prompt_logprobs,omitempty"`
}

// completions answers POST /v1/completions.
func (s *Server) completions(c call) error {
	o, err := s.options(c, 0)
	if err != nil {
		return err
	}
	if err := s.completionOptions(&o, c.fields); err != nil {
		return err
	}
	prompts, err := s.prompts(c.fields)
	if err != nil {
		return err
	}
	if err := s.countChoices(len(prompts), o.candidates); err != nil {
		return err
	}
	ctx, cancel := o.within(c.ctx)
	defer cancel()
	all, stop, err := s.start(ctx, o, prompts)
	if err != nil {
		return err
	}
	defer stop()
	defer noteUsage(ctx, all, o.candidates)
	if o.stream {
		return s.streamText(ctx, c.w, o, all)
	}
	return s.wholeText(ctx, c.w, o, all)
}

// wholeText answers at once.
func (s *Server) wholeText(ctx context.Context, w http.ResponseWriter, o options, all []*choice) error {
	choices := make([]textChoice, len(all))
	texts, scores := make([]strings.Builder, len(all)), make([]score, len(all))
	for i, c := range all {
		choices[i] = s.opening(c, o)
		texts[i].WriteString(choices[i].Text)
	}
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		to := &choices[c.index]
		texts[c.index].WriteString(d.Text())
		s.add(to.Logprobs, d, o)
		if o.promptLogprobs >= 0 {
			to.Prompt = s.promptTokens(to.Prompt, d.Prompt, o.promptLogprobs)
		}
		for _, t := range d.Tokens {
			scores[c.index].sum += float64(t.Logprob)
			scores[c.index].count++
		}
		to.Finish = finished(d)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range texts {
		choices[i].Text = texts[i].String()
	}
	write(w, http.StatusOK, textAnswer{
		head:    s.head("cmpl-", "text_completion"),
		Choices: bestOf(choices, scores, o.candidates, o.n), Usage: countUsage(all, o.candidates),
	})
	return nil
}

// completionOptions reads what chat does not have.
func (s *Server) completionOptions(o *options, f fields) error {
	r := &reader{f: f}
	r.flag("echo", &o.request.Echo)
	r.integerWithin("logprobs", &o.logprobs, 0, completion.MaxLogprobs)
	o.candidates = o.n
	if r.integerWithin("best_of", &o.candidates, 1, s.maxChoices()); o.candidates < o.n {
		r.fault("best_of", codeValue, "is %d, expected at least n, %d", o.candidates, o.n)
	}
	if o.candidates > o.n && o.stream {
		r.fault("best_of", codeValue, "is %d, and the best is not known while they stream: expected n, %d", o.candidates, o.n)
	}
	o.request.MaxTokens = o.bound
	if !o.bounded {
		o.request.MaxTokens = defaultTokens
	}
	o.request.PromptOnly = o.request.MaxTokens == 0
	if o.ask(o.request.Echo); o.candidates > o.n {
		o.request.Logprobs = max(o.request.Logprobs, 0)
	}
	return r.err
}

// opening is how a choice's answer begins: with the prompt if the request has echo.
func (s *Server) opening(c *choice, o options) textChoice {
	one := textChoice{Index: c.index}
	if o.logprobs >= 0 {
		one.Logprobs = newTextLogprobs()
	}
	if o.promptLogprobs >= 0 {
		one.Prompt = promptLogprobs{nil}
	}
	if o.request.Echo {
		one.Text = c.Echo()
		if one.Logprobs != nil {
			s.first(one.Logprobs, c.Prompt()[0])
		}
	}
	return one
}

// streamText answers with chunks.
func (s *Server) streamText(ctx context.Context, w http.ResponseWriter, o options, all []*choice) error {
	out := &events{w: w}
	chunk := textAnswer{head: s.head("cmpl-", "text_completion")}
	if o.usage {
		chunk.Usage = null
	}
	begun := make([]bool, len(all))
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		one := textChoice{Index: c.index}
		if !begun[c.index] {
			begun[c.index] = true
			one = s.opening(c, o)
		}
		one.Text += d.Text()
		if one.Logprobs == nil && o.logprobs >= 0 && len(d.Prompt)+len(d.Tokens) > 0 {
			one.Logprobs = newTextLogprobs()
		}
		s.add(one.Logprobs, d, o)
		one.Finish = finished(d)
		chunk.Choices = []textChoice{one}
		return out.send(chunk)
	})
	if err == nil && (o.usage || o.request.ReportNodes) {
		chunk.Choices = []textChoice{}
		chunk.Usage, chunk.Hachi = o.summary(all)
		err = out.send(chunk)
	}
	return out.end(err)
}
