package openai

import (
	"context"
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
)

// defaultTokens bounds an answer to a prompt when the client does not.
const defaultTokens = 16

// textAnswer is a whole answer, or a chunk of one.
type textAnswer struct {
	head
	Choices []textChoice `json:"choices"`
	Usage   any          `json:"usage,omitempty"`
}

type textChoice struct {
	Index    int                  `json:"index"`
	Text     string               `json:"text"`
	Logprobs *textLogprobs        `json:"logprobs"`
	Finish   *engine.FinishReason `json:"finish_reason"`
}

// completions answers POST /v1/completions.
func (s *Server) completions(w http.ResponseWriter, r *http.Request, f fields) error {
	o, err := s.options(f, 0)
	if err != nil {
		return err
	}
	if err := o.completionOptions(f); err != nil {
		return err
	}
	prompts, err := s.prompts(f)
	if err != nil {
		return err
	}
	if err := s.countChoices(len(prompts), o.n); err != nil {
		return err
	}
	ctx, cancel := o.within(r.Context())
	defer cancel()
	all, stop, err := s.start(ctx, o, prompts)
	if err != nil {
		return err
	}
	defer stop()
	if o.stream {
		return s.streamText(ctx, w, o, all)
	}
	return s.wholeText(ctx, w, o, all)
}

// wholeText answers at once.
func (s *Server) wholeText(ctx context.Context, w http.ResponseWriter, o options, all []*choice) error {
	answer := textAnswer{head: s.head("cmpl-", "text_completion"), Choices: make([]textChoice, len(all))}
	texts := make([]strings.Builder, len(all))
	for i, c := range all {
		answer.Choices[i] = s.opening(c, o)
		texts[i].WriteString(answer.Choices[i].Text)
	}
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		to := &answer.Choices[c.index]
		texts[c.index].WriteString(d.Text)
		if to.Logprobs != nil {
			s.add(to.Logprobs, d.Tokens)
		}
		to.Finish = finished(d)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range texts {
		answer.Choices[i].Text = texts[i].String()
	}
	answer.Usage = countUsage(all, o.n)
	write(w, http.StatusOK, answer)
	return nil
}

// completionOptions reads what chat does not have.
func (o *options) completionOptions(f fields) error {
	r := &reader{f: f}
	r.flag("echo", &o.request.Echo)
	if f.has("logprobs") {
		r.integer("logprobs", &o.request.Logprobs, 0, MaxLogprobs)
	}
	o.request.PromptLogprobs = o.request.Echo && o.request.Logprobs >= 0
	o.request.MaxTokens = o.bound
	if !o.bounded {
		o.request.MaxTokens = defaultTokens
	}
	o.request.PromptOnly = o.request.MaxTokens == 0
	return r.err
}

// opening is how a choice's answer begins: with the prompt, if it is wanted.
func (s *Server) opening(c *choice, o options) textChoice {
	one := textChoice{Index: c.index}
	if o.request.Logprobs >= 0 {
		one.Logprobs = newTextLogprobs()
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
		one.Text += d.Text
		if o.request.Logprobs >= 0 && len(d.Tokens) > 0 {
			if one.Logprobs == nil {
				one.Logprobs = newTextLogprobs()
			}
			s.add(one.Logprobs, d.Tokens)
		}
		one.Finish = finished(d)
		chunk.Choices = []textChoice{one}
		return out.send(chunk)
	})
	if err == nil && o.usage {
		chunk.Choices, chunk.Usage = []textChoice{}, countUsage(all, o.n)
		err = out.send(chunk)
	}
	return out.end(err)
}
