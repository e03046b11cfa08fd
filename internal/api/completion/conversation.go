package completion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Conversation is what an answer is a turn of, whatever API it comes by.
type Conversation struct {
	Messages []chat.Message
	// Attributes are the request's. They override the server's.
	Attributes chat.Attributes
	Tools      []tool.Tool
	ToolChoice tool.Choice
	// Parallel allows several calls in one answer.
	Parallel bool
	// Output is what the text of the answer must be; nil is any text.
	Output *StructuredOutput
	// Continue makes the answer the continuation of the last message, which is the
	// assistant's.
	Continue bool
	// Bare ends the prompt behind the last message, without the beginning of an
	// answer that the template writes.
	Bare bool
	// TemplateArgs are variables for the chat template. Values are what encoding/json
	// can write.
	TemplateArgs map[string]any
}

// mayCall reports whether the answer may have calls.
func (c *Conversation) mayCall() bool { return len(c.Tools) > 0 && c.ToolChoice.Mode != tool.None }

// mustCall reports whether the answer must be calls.
func (c *Conversation) mustCall() bool {
	return c.ToolChoice.Mode == tool.Required || c.ToolChoice.Mode == tool.Named
}

// callable are the numbers of the tools that may be called.
func (c *Conversation) callable() []int {
	var out []int
	for i, t := range c.Tools {
		if c.ToolChoice.Mode != tool.Named || t.Name == c.ToolChoice.Name {
			out = append(out, i)
		}
	}
	return out
}

// Prepare renders a conversation and settles how it is answered. The error is a
// *Fault, with Params that have the names of the chat completions of the OpenAI API, a
// *ContextError, or ctx's.
func (s Service) Prepare(ctx context.Context, c Conversation) (*Turn, error) {
	if err := s.bounded(&c); err != nil {
		return nil, err
	}
	if err := checkTools(c.Tools); err != nil {
		return nil, err
	}
	if err := c.ToolChoice.Check(c.Tools); err != nil {
		return nil, invalid("tool_choice", "cannot be obeyed: %w", err)
	}
	if c.Continue && c.mustCall() {
		return nil, invalid("tool_choice", "requires a call, but the answer continues a text")
	}
	if !c.mayCall() {
		c.Tools = nil
	}
	prompt, err := s.Template.PromptWithin(s.Completer.bound(ctx), chat.Conversation{
		Messages: c.Messages, Attributes: chat.Merge(s.Attributes, c.Attributes), Tools: c.Tools, Choice: c.ToolChoice,
		Parallel: c.Parallel, Continue: c.Continue, Bare: c.Bare, Args: c.TemplateArgs,
	})
	switch {
	case errors.Is(err, tokenizer.ErrTooLong):
		return nil, s.Completer.tooLong(prompt, err)
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, invalid("messages", "cannot be answered: %w", err)
	}
	t := &Turn{
		Prompt: prompt, OutputUnused: c.Output != nil && c.mustCall(), newText: !c.Continue, output: c.Output, answers: s.Template.Answers(),
	}
	for _, name := range slices.Sorted(maps.Keys(c.TemplateArgs)) {
		if !s.Template.Reads(name) {
			t.IgnoredArgs = append(t.IgnoredArgs, name)
		}
	}
	s.settle(t, c)
	if _, ok := t.parser(); !ok {
		return nil, invalid("messages", "cannot be continued: the last message ends within a call of a function: end it before the call")
	}
	return t, nil
}

// checkTools refuses names that no call could have, or that two functions have.
func checkTools(tools []tool.Tool) error {
	for i, t := range tools {
		if !tool.ValidName(t.Name) {
			return invalid(fmt.Sprintf("tools[%d].function.name", i), "is %.200q, expected 1 to %d letters, digits, '_' and '-'", t.Name, tool.MaxName)
		}
		if slices.ContainsFunc(tools[:i], func(o tool.Tool) bool { return o.Name == t.Name }) {
			return invalid(fmt.Sprintf("tools[%d].function.name", i), "is %q, as that of a function before", t.Name)
		}
	}
	return nil
}

// bounded refuses conversations that no context holds, and more than a server reads,
// by their lengths only.
func (s Service) bounded(c *Conversation) error {
	if len(c.Messages) > MaxMessages {
		return invalid("messages", "has %d turns, expected at most %d", len(c.Messages), MaxMessages)
	}
	if len(c.Tools) > MaxTools {
		return invalid("tools", "has %d functions, expected at most %d", len(c.Tools), MaxTools)
	}
	texts := make([]string, len(c.Messages))
	for i, m := range c.Messages {
		texts[i] = m.Content
	}
	if err := s.Completer.fits(texts...); err != nil {
		return err
	}
	bytes := 0
	for _, t := range c.Tools {
		bytes += len(t.Description) + len(t.Parameters)
	}
	if bytes > MaxToolBytes {
		return invalid("tools", "has %d bytes of descriptions and schemas, expected at most %d", bytes, MaxToolBytes)
	}
	bytes = 0
	for name, v := range c.TemplateArgs {
		bytes += len(name)
		if raw, ok := v.(json.RawMessage); ok {
			bytes += len(raw)
		}
	}
	if bytes > MaxArgBytes {
		return invalid("chat_template_kwargs", "has %d bytes, expected at most %d", bytes, MaxArgBytes)
	}
	return nil
}

// settle decides how the answer is constrained and read.
func (s Service) settle(t *Turn, c Conversation) {
	syntax := tool.Syntax{Text: !c.mustCall()}
	syntax.Open, syntax.Close = s.Template.Reasoning()
	if c.Continue {
		t.said, syntax.Begun = continued(c.Messages[len(c.Messages)-1].Content, syntax.Open, syntax.Close)
		if !syntax.Begun {
			syntax.Open, syntax.Close = "", ""
		}
	} else if syntax.Open != "" {
		syntax.Begun = s.Template.EndsInReasoning(t.Prompt)
	}
	language := grammar.Turn{Reasoning: grammar.Reasoning{Open: syntax.Open, Close: syntax.Close, Begun: syntax.Begun}}
	if syntax.Text {
		language.Text = &grammar.Text{}
	}
	if syntax.Text && c.Output != nil {
		language.Text = &c.Output.text
	}
	if len(c.Tools) > 0 {
		t.tools = c.callable()
		callsOf(&c, s.Template.Format(), &syntax, &language)
	}
	if syntax.Format != nil || syntax.Close != "" {
		t.syntax = &syntax
	}
	if syntax.Format != nil || syntax.Close != "" && c.Output != nil {
		t.language = &language
	}
}

// continued is what an answer continues of a text, without reasoning that has ended.
// reasons says that the text ends within reasoning.
func continued(text, open, end string) (said string, reasons bool) {
	if open == "" {
		return text, false
	}
	begun, ended := strings.LastIndex(text, open), strings.LastIndex(text, end)
	switch {
	case begun > ended:
		return text[begun+len(open):], true
	case ended >= 0:
		return strings.TrimLeft(text[ended+len(end):], " \n"), false
	}
	return text, false
}

// callsOf adds calls in a format to what an answer may have. Where the text of the
// answer must be something, it is that or calls.
func callsOf(c *Conversation, format tool.Format, syntax *tool.Syntax, language *grammar.Turn) {
	if syntax.Text && c.Output != nil {
		format.Anywhere = false
	}
	syntax.Format = &format
	calls := &grammar.Calls{
		Begin: format.Begin, Between: format.Between, Next: format.Next, End: format.End,
		Marker: format.Marker, Anywhere: format.Anywhere, Many: format.Many && c.Parallel,
	}
	for _, i := range c.callable() {
		t := c.Tools[i]
		syntax.Names = append(syntax.Names, t.Name)
		calls.Functions = append(calls.Functions, grammar.Function{Name: t.Name, Schema: t.Schema()})
	}
	language.Calls = calls
	if language.Text != nil && language.Text.Object && format.Marker == tool.Generic.Marker {
		// Any object but one that begins as calls do.
		language.Text = &grammar.Text{Schema: []byte(`{"type":"object","properties":{"tool_calls":false},"additionalProperties":true}`)}
	}
}
