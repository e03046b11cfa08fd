package openai

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/sampler"
)

// chatLogprob is a token with its log probability, in chat's form.
type chatLogprob struct {
	Token   string        `json:"token"`
	Logprob float32       `json:"logprob"`
	Bytes   []int         `json:"bytes"`
	Top     []chatLogprob `json:"top_logprobs,omitempty"`
}

// chat answers POST /v1/chat/completions.
func (s *Server) chat(w http.ResponseWriter, r *http.Request, f fields) error {
	o, err := f.options()
	if err == nil {
		err = s.known(o.model)
	}
	if err == nil {
		err = chatLogprobs(f, &o.request)
	}
	if err != nil {
		return err
	}
	prompt, err := s.conversation(f)
	if err != nil {
		return err
	}
	all, stop, err := s.start(r.Context(), o, [][]int32{prompt})
	if err != nil {
		return err
	}
	defer stop()
	head := map[string]any{"id": newID("chatcmpl-"), "created": time.Now().Unix(), "model": s.cfg.Model, "system_fingerprint": s.cfg.Fingerprint}
	if o.stream {
		return s.streamChat(w, r, o, all, head)
	}
	texts, logprobs, finish := make([]string, len(all)), make([][]chatLogprob, len(all)), make([]engine.FinishReason, len(all))
	err = s.follow(r.Context(), all, func(c *choice, d completion.Delta) error {
		texts[c.index] += d.Text
		logprobs[c.index] = append(logprobs[c.index], s.chatLogprobs(d)...)
		finish[c.index] = d.Finish
		return nil
	})
	if err != nil {
		return err
	}
	choices := []any{}
	for i := range all {
		c := map[string]any{"index": i, "finish_reason": finish[i], "logprobs": nil,
			"message": map[string]any{"role": "assistant", "content": texts[i], "refusal": nil}}
		if o.request.Logprobs >= 0 {
			c["logprobs"] = map[string]any{"content": logprobs[i]}
		}
		choices = append(choices, c)
	}
	head["object"], head["choices"], head["usage"] = "chat.completion", choices, usage(all, o.n)
	write(w, http.StatusOK, head)
	return nil
}

// chatLogprobs reads logprobs and top_logprobs.
func chatLogprobs(f fields, r *engine.Request) error {
	wanted, top := false, 0
	if err := f.get("logprobs", &wanted); err != nil {
		return err
	}
	if err := f.get("top_logprobs", &top); err != nil {
		return err
	}
	switch {
	case top < 0 || top > 20:
		return invalid("top_logprobs", fmt.Sprintf("top_logprobs is %d, expected 0 to 20", top))
	case top > 0 && !wanted:
		return invalid("top_logprobs", "top_logprobs needs logprobs to be true")
	case wanted:
		r.Logprobs = top
	}
	return nil
}

// streamChat answers with chunks.
func (s *Server) streamChat(w http.ResponseWriter, r *http.Request, o options, all []*choice, head map[string]any) error {
	out := &events{w: w}
	head["object"] = "chat.completion.chunk"
	if o.usage {
		head["usage"] = nil
	}
	greeted := make([]bool, len(all))
	err := s.follow(r.Context(), all, func(c *choice, d completion.Delta) error {
		delta := map[string]any{}
		if !greeted[c.index] {
			greeted[c.index] = true
			delta["role"] = "assistant"
			delta["content"] = ""
		}
		if d.Text != "" {
			delta["content"] = d.Text
		}
		one := map[string]any{"index": c.index, "delta": delta, "finish_reason": nil, "logprobs": nil}
		if d.Finish != engine.NotFinished {
			one["finish_reason"] = d.Finish
		}
		if o.request.Logprobs >= 0 {
			one["logprobs"] = map[string]any{"content": s.chatLogprobs(d)}
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

func (s *Server) chatLogprobs(d completion.Delta) []chatLogprob {
	out := []chatLogprob{}
	for _, e := range d.Tokens {
		l := s.chatLogprob(e.Token, e.Logprob)
		for _, t := range e.Top {
			l.Top = append(l.Top, s.chatLogprob(t.Token, t.Logprob))
		}
		out = append(out, l)
	}
	return out
}

func (s *Server) chatLogprob(token int32, logprob float32) chatLogprob {
	raw := s.cfg.Tokenizer.TokenBytes(token)
	l := chatLogprob{Token: string(raw), Logprob: logprob, Bytes: []int{}}
	for _, b := range raw {
		l.Bytes = append(l.Bytes, int(b))
	}
	return l
}

// byToken is the form of alternatives in completions.
func (s *Server) byToken(top []sampler.TokenLogprob) map[string]float32 {
	out := map[string]float32{}
	for _, t := range top {
		text := string(s.cfg.Tokenizer.TokenBytes(t.Token))
		if _, taken := out[text]; !taken {
			out[text] = t.Logprob
		}
	}
	return out
}
