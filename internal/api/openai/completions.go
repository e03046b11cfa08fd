package openai

import (
	"context"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
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
func (s *server) completions(c *httpapi.Call) error {
	o, err := s.options(c, 0)
	if err != nil {
		return err
	}
	if err := s.completionOptions(&o, c.Body); err != nil {
		return err
	}
	prompts, err := s.prompts(c.Context, c.Body)
	if err != nil {
		return err
	}
	if refuseUnread(c.Body); c.Body.Err() != nil {
		return c.Body.Err()
	}
	if err := s.countChoices(len(prompts), o.candidates); err != nil {
		return err
	}
	ctx, cancel := o.Within(c.Context)
	defer cancel()
	all, stop, err := s.start(ctx, o, prompts)
	if err != nil {
		return err
	}
	defer stop()
	c.Admitted()
	defer noteUsage(ctx, all, o.candidates)
	if o.stream {
		return s.streamText(ctx, c, o, all)
	}
	return s.wholeText(ctx, c, o, all)
}

// wholeText answers at once.
func (s *server) wholeText(ctx context.Context, to *httpapi.Call, o options, all []*choice) error {
	choices := make([]textChoice, len(all))
	texts, scores := make([]strings.Builder, len(all)), make([]score, len(all))
	for i, c := range all {
		choices[i] = s.opening(c, o)
		texts[i].WriteString(choices[i].Text)
	}
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		one := &choices[c.index]
		texts[c.index].WriteString(d.Text())
		s.add(one.Logprobs, d, o)
		if o.promptLogprobs >= 0 {
			one.Prompt = s.promptTokens(one.Prompt, d.Prompt, o.promptLogprobs)
		}
		for _, t := range d.Tokens {
			scores[c.index].sum += float64(t.Logprob)
			scores[c.index].count++
		}
		one.Finish = finished(d)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range texts {
		choices[i].Text = texts[i].String()
	}
	to.Answer(textAnswer{
		head:    s.head("cmpl-", "text_completion"),
		Choices: bestOf(choices, scores, o.candidates, o.n), Usage: countUsage(all, o.candidates),
	})
	return nil
}

// completionOptions reads what chat does not have.
func (s *server) completionOptions(o *options, r *httpapi.Reader) error {
	r.Flag("echo", &o.Request.Echo)
	r.IntegerWithin("logprobs", &o.logprobs, 0, completion.MaxLogprobs)
	o.candidates = o.n
	if r.IntegerWithin("best_of", &o.candidates, 1, s.maxChoices()); o.candidates < o.n {
		r.Fault("best_of", httpapi.CodeValue, "is %d, expected at least n, %d", o.candidates, o.n)
	}
	if o.candidates > o.n && o.stream {
		r.Fault("best_of", httpapi.CodeValue, "is %d, and the best is not known while they stream: expected n, %d", o.candidates, o.n)
	}
	o.Request.MaxTokens = o.bound
	if !o.bounded {
		o.Request.MaxTokens = defaultTokens
	}
	o.Request.PromptOnly = o.Request.MaxTokens == 0
	if o.ask(o.Request.Echo); o.candidates > o.n {
		o.Request.Logprobs = max(o.Request.Logprobs, 0)
	}
	return r.Err()
}

// opening is how a choice's answer begins: with the prompt if the request has echo.
func (s *server) opening(c *choice, o options) textChoice {
	one := textChoice{Index: c.index}
	if o.logprobs >= 0 {
		one.Logprobs = newTextLogprobs()
	}
	if o.promptLogprobs >= 0 {
		one.Prompt = promptLogprobs{nil}
	}
	if o.Request.Echo {
		one.Text = c.Echo()
		if one.Logprobs != nil {
			s.first(one.Logprobs, c.Prompt()[0])
		}
	}
	return one
}

// streamText answers with chunks.
func (s *server) streamText(ctx context.Context, to *httpapi.Call, o options, all []*choice) error {
	out, err := to.Stream(streamShape)
	if err != nil {
		return err
	}
	chunk := textAnswer{head: s.head("cmpl-", "text_completion")}
	if o.usage {
		chunk.Usage = null
	}
	begun := make([]bool, len(all))
	err = follow(ctx, all, func(c *choice, d completion.Delta) error {
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
		return out.Send(httpapi.Event{Data: chunk})
	})
	if err == nil && (o.usage || o.Request.ReportNodes) {
		chunk.Choices = []textChoice{}
		chunk.Usage, chunk.Hachi = o.summary(all)
		err = out.Send(httpapi.Event{Data: chunk})
	}
	return end(out, err)
}
