package openai

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
)

// textLogprobs are log probabilities in completions' form. The first token of
// an echoed prompt has none: null.
type textLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float32           `json:"token_logprobs"`
	Top      []map[string]float32 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"`
	at       int
}

// completions answers POST /v1/completions.
func (s *Server) completions(w http.ResponseWriter, r *http.Request, f fields) error {
	o, err := f.options()
	if err == nil {
		err = s.known(o.model)
	}
	echo, top := false, -1
	if err == nil {
		err = f.get("echo", &echo)
	}
	if err == nil {
		err = f.get("logprobs", &top)
	}
	if err != nil {
		return err
	}
	if top > 5 || (top < 0 && top != -1) {
		return invalid("logprobs", fmt.Sprintf("logprobs is %d, expected 0 to 5", top))
	}
	if o.request.MaxTokens == 0 {
		o.request.MaxTokens = 16
	}
	o.request.Logprobs, o.request.PromptLogprobs = top, echo && top >= 0
	prompts, err := s.prompts(f)
	if err != nil {
		return err
	}
	all, stop, err := s.start(r.Context(), o, prompts)
	if err != nil {
		return err
	}
	defer stop()
	head := map[string]any{"id": newID("cmpl-"), "object": "text_completion", "created": time.Now().Unix(),
		"model": s.cfg.Model, "system_fingerprint": s.cfg.Fingerprint}
	if o.stream {
		return s.streamText(w, r, o, all, head, echo)
	}
	texts, logprobs, finish := make([]string, len(all)), make([]*textLogprobs, len(all)), make([]engine.FinishReason, len(all))
	for i, c := range all {
		texts[i], logprobs[i] = s.echoed(c, o, echo)
	}
	err = s.follow(r.Context(), all, func(c *choice, d completion.Delta) error {
		texts[c.index] += d.Text
		s.add(logprobs[c.index], d)
		finish[c.index] = d.Finish
		return nil
	})
	if err != nil {
		return err
	}
	choices := []any{}
	for i := range all {
		choices = append(choices, map[string]any{"index": i, "text": texts[i], "finish_reason": finish[i], "logprobs": logprobs[i]})
	}
	head["choices"], head["usage"] = choices, usage(all, o.n)
	write(w, http.StatusOK, head)
	return nil
}

// echoed is how a choice's answer begins: with the prompt, if it is wanted.
func (s *Server) echoed(c *choice, o options, echo bool) (string, *textLogprobs) {
	var l *textLogprobs
	if o.request.Logprobs >= 0 {
		l = &textLogprobs{Tokens: []string{}, Logprobs: []*float32{}, Top: []map[string]float32{}, Offsets: []int{}}
	}
	if !echo {
		return "", l
	}
	if l != nil {
		l.append(string(s.cfg.Tokenizer.TokenBytes(c.prompt[0])), nil, nil)
	}
	return s.cfg.Tokenizer.Decode(c.prompt), l
}

func (l *textLogprobs) append(token string, logprob *float32, top map[string]float32) {
	l.Tokens, l.Logprobs, l.Top = append(l.Tokens, token), append(l.Logprobs, logprob), append(l.Top, top)
	l.Offsets = append(l.Offsets, l.at)
	l.at += len([]rune(token))
}

func (s *Server) add(l *textLogprobs, d completion.Delta) {
	if l == nil {
		return
	}
	for _, e := range d.Tokens {
		l.append(string(s.cfg.Tokenizer.TokenBytes(e.Token)), &e.Logprob, s.byToken(e.Top))
	}
}

// streamText answers with chunks.
func (s *Server) streamText(w http.ResponseWriter, r *http.Request, o options, all []*choice, head map[string]any, echo bool) error {
	out := &events{w: w}
	if o.usage {
		head["usage"] = nil
	}
	begun := make([]bool, len(all))
	err := s.follow(r.Context(), all, func(c *choice, d completion.Delta) error {
		text, l := s.echoed(c, o, echo && !begun[c.index])
		begun[c.index] = true
		s.add(l, d)
		one := map[string]any{"index": c.index, "text": text + d.Text, "finish_reason": nil, "logprobs": l}
		if d.Finish != engine.NotFinished {
			one["finish_reason"] = d.Finish
		}
		head["choices"] = []any{one}
		return out.send(head)
	})
	if err == nil && o.usage {
		head["choices"], head["usage"] = []any{}, usage(all, o.n)
		err = out.send(head)
	}
	return out.end(err)
}
