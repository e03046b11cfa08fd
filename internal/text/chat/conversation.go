package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Conversation is what a prompt is made of.
type Conversation struct {
	Messages []Message
	// Attributes are of the turns that do not set their own.
	Attributes Attributes
	Tools      []tool.Tool
	// Choice and Parallel say which calls the prompt asks for, where the template
	// knows no tools.
	Choice   tool.Choice
	Parallel bool
	// Continue ends the prompt within the last message, the assistant's.
	Continue bool
	// Bare ends the prompt behind the last message, without the beginning of an
	// answer.
	Bare bool
	// Args are variables for the template.
	Args map[string]any
}

// reserved are the variables that a client cannot set by Args.
var reserved = []string{"messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "strftime_now"}

// Prompt renders a conversation, ready for the answer, into ids. An error says
// which turn is at fault.
func (t *Template) Prompt(c Conversation) ([]int32, error) {
	return t.PromptWithin(tokenizer.Bound{Context: context.Background(), Tokens: math.MaxInt}, c)
}

// PromptWithin is Prompt within a bound, as tokenizer.PromptWithin is. Rendering stops
// with its context too.
func (t *Template) PromptWithin(b tokenizer.Bound, c Conversation) ([]int32, error) {
	pieces, err := t.render(b.Context, c)
	if err != nil {
		return nil, err
	}
	return t.tokens.EncodePiecesWithin(b, pieces)
}

// RenderConversation is Prompt before encoding: special tokens where the template
// wrote them, and text, which contains none.
func (t *Template) RenderConversation(c Conversation) ([]tokenizer.Piece, error) {
	return t.render(context.Background(), c)
}

// render is RenderConversation that stops with ctx.
func (t *Template) render(ctx context.Context, c Conversation) ([]tokenizer.Piece, error) {
	if err := t.check(c); err != nil {
		return nil, err
	}
	c.Messages = slices.Clone(c.Messages)
	for i := range c.Messages {
		c.Messages[i].turn = i
	}
	if t.format == nil {
		c = t.withoutTools(c)
	} else {
		t.renameCalls(c.Messages)
	}
	text, err := t.writeWithin(ctx, c)
	if stop := ctx.Err(); err != nil && stop != nil {
		return nil, fmt.Errorf("rendering a conversation: %w", stop)
	}
	if err != nil {
		return nil, t.blame(ctx, c, err)
	}
	if i := leftOut(c.Messages, text); i >= 0 {
		return nil, turnError(c.Messages[i], errors.New("the model's template leaves this turn out"))
	}
	if c.Continue {
		text = until(text, int32(len(c.Messages)))
	}
	return t.pieces(text), nil
}

// check refuses what no template, or not this one, could honor.
func (t *Template) check(c Conversation) error {
	if err := check(c.Messages, c.Continue || c.Bare); err != nil {
		return err
	}
	if last := c.Messages[len(c.Messages)-1]; c.Continue && (last.Role != "assistant" || last.Content == "" || len(last.ToolCalls) > 0) {
		return errors.New("only a message of the assistant that has text, and no calls, can be continued")
	}
	if err := t.CheckAttributes(c.Attributes); err != nil {
		return err
	}
	for i, m := range c.Messages {
		if err := t.CheckAttributes(m.Attributes); err != nil {
			m.turn = i
			return turnError(m, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Args)) {
		if t.Reserves(name) {
			return fmt.Errorf("the template's variable %s is not for clients to set", name)
		}
	}
	return nil
}

// Reserves reports whether a variable is not for clients to set.
func (t *Template) Reserves(name string) bool {
	_, special := t.specials[name]
	return special || slices.Contains(reserved, name)
}

// Reads reports whether the template reads a variable.
func (t *Template) Reads(name string) bool { return t.parsed.Reads(name) }

// write renders. The author of the characters of turn i is i+1; that of tools and
// variables is the number after the last.
func (t *Template) write(c Conversation) (jinja.Text, error) {
	return t.writeWithin(context.Background(), c)
}

// writeWithin is write that stops with ctx.
func (t *Template) writeWithin(ctx context.Context, c Conversation) (jinja.Text, error) {
	list, steps := jinja.List{}, baseSteps
	for i, m := range c.Messages {
		steps += turnSteps + charSteps*len(m.Content)
		for _, call := range m.ToolCalls {
			steps += turnSteps + charSteps*(len(call.Name)+len(call.Arguments))
		}
		list = append(list, t.messageValue(m, c.Attributes, int32(i+1)))
	}
	other := int32(len(c.Messages) + 1)
	variables := map[string]any{}
	for name, v := range c.Args {
		raw, err := json.Marshal(v)
		if err == nil {
			steps += charSteps * len(raw)
			variables[name], err = jsonValue(raw, other)
		}
		if err != nil {
			return nil, fmt.Errorf("the template's variable %s: %w", name, err)
		}
	}
	variables["messages"], variables["add_generation_prompt"] = list, !c.Continue && !c.Bare
	variables["tools"], variables["documents"], variables["strftime_now"] = nil, nil, jinja.Clock(t.now())
	if len(c.Tools) > 0 && (t.format != nil || t.probing) {
		tools, err := toolValues(c.Tools, other)
		if err != nil {
			return nil, err
		}
		for _, one := range c.Tools {
			steps += turnSteps + charSteps*(len(one.Description)+len(one.Parameters))
		}
		variables["tools"] = tools
	}
	for name, text := range t.specials {
		variables[name] = jinja.Own(text)
	}
	return t.parsed.RenderWithin(ctx, variables, steps)
}

// messageValue is a message as templates read it.
func (t *Template) messageValue(m Message, base Attributes, from int32) *jinja.Dict {
	o := jinja.Object("role", jinja.Own(roles[m.Role]), "content", jinja.Data(m.Content, from))
	if m.Role == "user" {
		set := Merge(base, m.Attributes)
		for _, name := range attributeNames {
			if v, ok := set[name]; ok {
				o.Set(jinja.Own(name), int64(v))
			}
		}
	}
	set := func(key, text string) {
		if text != "" {
			o.Set(jinja.Own(key), jinja.Data(text, from))
		}
	}
	set("reasoning_content", m.Reasoning)
	set("tool_call_id", m.ToolCallID)
	set("name", m.Name)
	if len(m.ToolCalls) > 0 {
		o.Set(jinja.Own("tool_calls"), callValues(m.ToolCalls, from))
	}
	return o
}

// until cuts a text behind the last character of an author.
func until(text jinja.Text, author int32) jinja.Text {
	for n := len(text); n > 0; n-- {
		if text[n-1].From == author {
			return text[:n]
		}
	}
	return text
}
