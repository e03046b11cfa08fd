package openai

import (
	"context"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
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
	Role      string     `json:"role"`
	Content   *string    `json:"content"` // null of an answer that is calls only
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
	Refusal   *string    `json:"refusal"`
}

type chatDelta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

// fill makes the message of a whole answer.
func (m *chatMessage) fill(a *completion.Answer) {
	m.Reasoning, m.ToolCalls = a.Reasoning.String(), wholeCalls(a.Calls)
	if text := a.Text.String(); text != "" || len(a.Calls) == 0 {
		m.Content = &text
	}
}

// deltasOf makes a delta of each part; without parts there is one that is empty.
func deltasOf(d completion.Delta) []*chatDelta {
	var all []*chatDelta
	for _, p := range d.Parts {
		var one chatDelta
		switch p.Kind {
		case completion.Text:
			one.Content = &p.Text
		case completion.Reasoning:
			one.Reasoning = p.Text
		case completion.CallBegun:
			one.ToolCalls = []toolCall{{Index: &p.Index, ID: p.ID, Type: kindFunction, Function: functionCall{Name: p.Name}}}
		case completion.Arguments:
			one.ToolCalls = []toolCall{{Index: &p.Index, Function: functionCall{Arguments: p.Text}}}
		}
		all = append(all, &one)
	}
	if len(all) == 0 {
		all = []*chatDelta{{}}
	}
	return all
}

// chat answers POST /v1/chat/completions.
func (s *server) chat(c *httpapi.Call) error {
	o, err := s.options(c, 1)
	if err != nil {
		return err
	}
	if o.logprobs, err = chatTop(c.Body); err != nil {
		return err
	}
	o.ask(false)
	o.candidates, o.Request.MaxTokens = o.n, o.bound
	turn, err := s.turn(c.Context, c.Body, o.Request.Output)
	if err != nil {
		return err
	}
	if refuseUnread(c.Body); c.Body.Err() != nil {
		return c.Body.Err()
	}
	turn.Answers(&o.Request)
	ctx, cancel := o.Within(c.Context)
	defer cancel()
	all, stop, err := s.start(ctx, o, [][]int32{turn.Prompt})
	if err != nil {
		return turn.renamed(err)
	}
	defer stop()
	c.Admitted()
	defer noteUsage(ctx, all, o.n)
	if o.stream {
		return s.streamChat(ctx, c, o, all)
	}
	return s.wholeChat(ctx, c, o, all)
}

// chatTop reads how many alternatives each token reports; -1 is no log
// probabilities at all.
func chatTop(r *httpapi.Reader) (int, error) {
	wanted, top := false, 0
	r.Flag("logprobs", &wanted)
	r.IntegerWithin("top_logprobs", &top, 0, completion.MaxLogprobs)
	if r.Err() == nil && top > 0 && !wanted {
		r.Fault("top_logprobs", httpapi.CodeValue, "needs logprobs to be true")
	}
	if !wanted {
		top = -1
	}
	return top, r.Err()
}

// wholeChat answers at once.
func (s *server) wholeChat(ctx context.Context, to *httpapi.Call, o options, all []*choice) error {
	answer := chatAnswer{head: s.head("chatcmpl-", "chat.completion"), Choices: make([]chatChoice, len(all))}
	for i := range all {
		answer.Choices[i] = chatChoice{Index: i, Message: &chatMessage{Role: "assistant"}}
		if o.logprobs >= 0 {
			answer.Choices[i].Logprobs = &chatLogprobs{Content: []logprobs.Token{}}
		}
	}
	if o.promptLogprobs >= 0 {
		answer.Prompt = promptLogprobs{nil}
	}
	answers := make([]completion.Answer, len(all))
	err := follow(ctx, all, func(c *choice, d completion.Delta) error {
		one := &answer.Choices[c.index]
		answers[c.index].Add(d)
		if one.Logprobs != nil {
			one.Logprobs.Content = append(one.Logprobs.Content, s.namer.Tokens(d.Tokens, o.logprobs)...)
		}
		if c.index == 0 && o.promptLogprobs >= 0 {
			answer.Prompt = s.promptTokens(answer.Prompt, d.Prompt, o.promptLogprobs)
		}
		one.Finish = finished(d)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range answers {
		answer.Choices[i].Message.fill(&answers[i])
	}
	answer.Usage = countUsage(all, o.n)
	to.Answer(answer)
	return nil
}

// streamChat answers with chunks: of each choice first the role, then deltas,
// the last with the reason to finish.
func (s *server) streamChat(ctx context.Context, to *httpapi.Call, o options, all []*choice) error {
	out, err := to.Stream(streamShape)
	if err != nil {
		return err
	}
	chunk := chatAnswer{head: s.head("chatcmpl-", "chat.completion.chunk")}
	if o.usage {
		chunk.Usage = null
	}
	send := func(c chatChoice) error {
		chunk.Choices = []chatChoice{c}
		return out.Send(httpapi.Event{Data: chunk})
	}
	greeted := make([]bool, len(all))
	err = follow(ctx, all, func(c *choice, d completion.Delta) error {
		if !greeted[c.index] {
			greeted[c.index] = true
			if err := send(chatChoice{Index: c.index, Delta: &chatDelta{Role: "assistant", Content: new(string)}}); err != nil {
				return err
			}
		}
		deltas := deltasOf(d)
		for i, delta := range deltas {
			one := chatChoice{Index: c.index, Delta: delta}
			if i == 0 && o.logprobs >= 0 && len(d.Tokens) > 0 {
				one.Logprobs = &chatLogprobs{Content: s.namer.Tokens(d.Tokens, o.logprobs)}
			}
			if i == len(deltas)-1 {
				one.Finish = finished(d)
			}
			if err := send(one); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && (o.usage || o.Request.ReportNodes) {
		chunk.Choices = []chatChoice{}
		chunk.Usage, chunk.Hachi = o.summary(all)
		err = out.Send(httpapi.Event{Data: chunk})
	}
	return end(out, err)
}
