package client

import (
	"cmp"
	"maps"
	"slices"
)

// Answer is a whole answer.
type Answer struct {
	ID    string
	Model string
	// Fingerprint names the weights and the numerics: two answers under one
	// fingerprint, request and seed are the same answer.
	Fingerprint string
	Choices     []Choice
	Usage       Usage
	RequestID   string
}

// Text is the first choice's text.
func (a *Answer) Text() string {
	if len(a.Choices) == 0 {
		return ""
	}
	return a.Choices[0].Text
}

// Choice is one of an answer's choices.
type Choice struct {
	Index     int
	Text      string
	Reasoning string     // before Text, of models that reason
	ToolCalls []ToolCall // of a chat with Tools
	Finish    string     // stop, length or tool_calls
	Tokens    []Token    // with Params.Logprobs only
}

// Message is the choice as a turn of the assistant, for the next request.
func (c Choice) Message() Message {
	return Message{Role: "assistant", Content: c.Text, Reasoning: c.Reasoning, ToolCalls: c.ToolCalls}
}

// Token is a generated token with its log probability.
type Token struct {
	Text    string
	Logprob float32
	Top     []Token // alternatives, the likeliest first
}

// Usage counts tokens.
type Usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

// wireAnswer is an answer, or an event of a stream, of either endpoint.
type wireAnswer struct {
	ID          string       `json:"id"`
	Model       string       `json:"model"`
	Fingerprint string       `json:"system_fingerprint"`
	Choices     []wireChoice `json:"choices"`
	Usage       *Usage       `json:"usage"`
	Error       *wireError   `json:"error"`
}

type wireChoice struct {
	Index    int           `json:"index"`
	Text     string        `json:"text"`    // completions
	Message  wireMessage   `json:"message"` // chat
	Delta    wireMessage   `json:"delta"`   // chat, streamed
	Finish   string        `json:"finish_reason"`
	Logprobs *wireLogprobs `json:"logprobs"`
}

type wireMessage struct {
	Role      string     `json:"role"`
	Content   string     `json:"content"`
	Reasoning string     `json:"reasoning_content"`
	ToolCalls []wireCall `json:"tool_calls"`
}

// calls are those of a whole answer.
func (m wireMessage) calls() []ToolCall {
	var all []ToolCall
	for _, c := range m.ToolCalls {
		all = append(all, ToolCall{c.ID, c.Function.Name, c.Function.Arguments})
	}
	return all
}

// deltas are the pieces of calls of a streamed answer.
func (m wireMessage) deltas() []ToolCallDelta {
	var all []ToolCallDelta
	for _, c := range m.ToolCalls {
		all = append(all, ToolCallDelta{c.Index, c.ID, c.Function.Name, c.Function.Arguments})
	}
	return all
}

// wireLogprobs has the fields of both endpoints: chat lists tokens in Content,
// completions in columns.
type wireLogprobs struct {
	Content []wireToken          `json:"content"`
	Tokens  []string             `json:"tokens"`
	Values  []float32            `json:"token_logprobs"`
	Top     []map[string]float32 `json:"top_logprobs"`
}

type wireToken struct {
	Token   string      `json:"token"`
	Logprob float32     `json:"logprob"`
	Top     []wireToken `json:"top_logprobs"`
}

func (w wireAnswer) answer(request string) *Answer {
	a := &Answer{ID: w.ID, Model: w.Model, Fingerprint: w.Fingerprint, RequestID: request}
	for _, c := range w.Choices {
		a.Choices = append(a.Choices, Choice{
			Index: c.Index, Text: c.text(), Reasoning: c.Message.Reasoning, ToolCalls: c.Message.calls(),
			Finish: c.Finish, Tokens: c.Logprobs.tokens(),
		})
	}
	if w.Usage != nil {
		a.Usage = *w.Usage
	}
	return a
}

// text is in one place of three.
func (c wireChoice) text() string { return cmp.Or(c.Text, c.Message.Content, c.Delta.Content) }

func (l *wireLogprobs) tokens() []Token {
	if l == nil {
		return nil
	}
	var out []Token
	for _, t := range l.Content {
		out = append(out, t.token())
	}
	for i, text := range l.Tokens {
		t := Token{Text: text}
		if i < len(l.Values) {
			t.Logprob = l.Values[i]
		}
		if i < len(l.Top) {
			t.Top = alternatives(l.Top[i])
		}
		out = append(out, t)
	}
	return out
}

func (t wireToken) token() Token {
	out := Token{Text: t.Token, Logprob: t.Logprob}
	for _, top := range t.Top {
		out.Top = append(out.Top, top.token())
	}
	return out
}

// alternatives puts an object's members in order: the likeliest first, equals
// by their text.
func alternatives(all map[string]float32) []Token {
	var out []Token
	for _, text := range slices.Sorted(maps.Keys(all)) {
		out = append(out, Token{Text: text, Logprob: all[text]})
	}
	slices.SortStableFunc(out, func(a, b Token) int { return cmp.Compare(b.Logprob, a.Logprob) })
	return out
}
