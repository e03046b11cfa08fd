package openai

import (
	"context"
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// chatAnswer is a whole answer, or a chunk of one.
type chatAnswer struct {
	head
	Choices []chatChoice `json:"choices"`
	Usage   any          `json:"usage,omitempty"`
	Hachi   *extension   `json:"hachi,omitempty"`
	// Prompt is that of the first choice: all have the same.
	Prompt promptLogprobs `json:"prompt_logprobs,omitempty"`
}

type chatChoice struct {
	Index    int                  `json:"index"`
	Message  *chatMessage         `json:"message,omitempty"`
	Delta    *chatDelta           `json:"delta,omitempty"`
	Logprobs *chatLogprobs        `json:"logprobs"`
	Finish   *engine.FinishReason `json:"finish_reason"`
}

type chatMessage struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"`
}

type chatDelta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// chat answers POST /v1/chat/completions.
func (s *Server) chat(c call) error {
	o, err := s.options(c, 1)
	if err != nil {
		return err
	}
	if o.logprobs, err = chatTop(c.fields); err != nil {
		return err
	}
	o.ask(false)
	o.candidates, o.request.MaxTokens = o.n, o.bound
	turn, err := s.turn(c.fields, o.request.Output)
	if err != nil {
		return err
	}
	turn.Answers(&o.request)
	ctx, cancel := o.within(c.ctx)
	defer cancel()
	all, stop, err := s.start(ctx, o, [][]int32{turn.Prompt})
	if err != nil {
		return err
	}
	defer stop()
	defer noteUsage(ctx, all, o.n)
	if o.stream {
		return s.streamChat(ctx, c.w, o, all)
	}
	return s.wholeChat(ctx, c.w, o, all)
}

// chatTop reads how many alternatives each token reports; -1 is no log
// probabilities at all.
func chatTop(f fields) (int, error) {
	r := &reader{f: f}
	wanted, top := false, 0
	r.flag("logprobs", &wanted)
	r.integerWithin("top_logprobs", &top, 0, completion.MaxLogprobs)
	if r.err == nil && top > 0 && !wanted {
		r.fault("top_logprobs", codeValue, "needs logprobs to be true")
	}
	if !wanted {
		top = -1
	}
	return top, r.err
}

// wholeChat answers at once.
func (s *Server) wholeChat(ctx context.Context, w http.ResponseWriter, o options, all []*choice) error {
	answer := chatAnswer{head: s.head("chatcmpl-", "chat.completion"), Choices: make([]chatChoice, len(all))}
	for i := range all {
		answer.Choices[i] = chatChoice{Index: i, Message: &chatMessage{Role: "assistant"}}
		if o.logprobs >= 0 {
			answer.Choices[i].Logprobs = &chatLogprobs{Content: []chatToken{}}
		}
	}
	if o.promptLogprobs >= 0 {
		answer.Prompt = promptLogprobs{nil}
	}
	answers := make([]completion.Answer, len(all))
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		to := &answer.Choices[c.index]
		answers[c.index].Add(d)
		if to.Logprobs != nil {
			to.Logprobs.Content = append(to.Logprobs.Content, s.chatTokens(d.Tokens, o.logprobs)...)
		}
		if c.index == 0 && o.promptLogprobs >= 0 {
			answer.Prompt = s.promptTokens(answer.Prompt, d.Prompt, o.promptLogprobs)
		}
		to.Finish = finished(d)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range answers {
		answer.Choices[i].Message.Content = answers[i].Text.String()
	}
	answer.Usage = countUsage(all, o.n)
	write(w, http.StatusOK, answer)
	return nil
}

// streamChat answers with chunks: of each choice first the role, then deltas,
// the last with the reason to finish.
func (s *Server) streamChat(ctx context.Context, w http.ResponseWriter, o options, all []*choice) error {
	out := &events{w: w}
	chunk := chatAnswer{head: s.head("chatcmpl-", "chat.completion.chunk")}
	if o.usage {
		chunk.Usage = null
	}
	send := func(c chatChoice) error {
		chunk.Choices = []chatChoice{c}
		return out.send(chunk)
	}
	greeted := make([]bool, len(all))
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		if !greeted[c.index] {
			greeted[c.index] = true
			if err := send(chatChoice{Index: c.index, Delta: &chatDelta{Role: "assistant", Content: new(string)}}); err != nil {
				return err
			}
		}
		one := chatChoice{Index: c.index, Delta: &chatDelta{}, Finish: finished(d)}
		if text := d.Text(); text != "" {
			one.Delta.Content = &text
		}
		if o.logprobs >= 0 && len(d.Tokens) > 0 {
			one.Logprobs = &chatLogprobs{Content: s.chatTokens(d.Tokens, o.logprobs)}
		}
		return send(one)
	})
	if err == nil && (o.usage || o.request.ReportNodes) {
		chunk.Choices = []chatChoice{}
		chunk.Usage, chunk.Hachi = o.summary(all)
		err = out.send(chunk)
	}
	return out.end(err)
}
