package chat

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/tool"
)

// withoutTools says in plain messages what a conversation has of tools, for a
// template that does not know them: calls as the text that wrote them, results as
// turns of the user, and the tools in the system message, or where there can be
// none, before the user's first text. Turns of the user that follow one another
// only because of that are joined.
func (t *Template) withoutTools(c Conversation) Conversation {
	names := map[string]string{} // of functions, by id of the call
	var out []Message
	joined := false // the last of out holds results
	for _, m := range c.Messages {
		for _, call := range m.ToolCalls {
			names[call.ID] = call.Name
		}
		last := len(out) - 1
		switch {
		case m.Role == "tool":
			text := result(m, names)
			if last >= 0 && out[last].Role == "user" {
				out[last].Content += "\n\n" + text
			} else {
				out = append(out, Message{Role: "user", Content: text, turn: m.turn})
			}
			joined = true
			continue
		case m.Role == "user" && joined:
			out[last].Content += "\n\n" + m.Content
			out[last].Attributes = m.Attributes
		case len(m.ToolCalls) > 0:
			m.Content = strings.TrimPrefix(m.Content+"\n", "\n") + tool.Generic.Write(m.ToolCalls)
			m.ToolCalls = nil
			out = append(out, m)
		default:
			out = append(out, m)
		}
		joined = false
	}
	c.Messages = out
	if len(c.Tools) > 0 {
		t.instruct(&c)
	}
	c.Tools = nil
	return c
}

// result is the text of a tool's result.
func result(m Message, names map[string]string) string {
	name := m.Name
	if name == "" {
		name = names[m.ToolCallID]
	}
	if name == "" {
		name = "The function"
	}
	return name + " returned:\n" + m.Content
}

// instruct adds the tools to the messages.
func (t *Template) instruct(c *Conversation) {
	text := instructions(c)
	first := &c.Messages[0]
	switch {
	case roles[first.Role] == "system":
		first.Content = strings.TrimPrefix(first.Content+"\n\n"+text, "\n\n")
	case t.system:
		c.Messages = append([]Message{{Role: "system", Content: text, turn: first.turn}}, c.Messages...)
	default:
		first.Content = text + "\n\n" + first.Content
	}
}

// instructions tells a model which functions there are, and how to call them.
func instructions(c *Conversation) string {
	var out strings.Builder
	out.WriteString("You can call these functions:\n")
	for _, f := range c.Tools {
		out.WriteString(describe(f) + "\n")
	}
	example := tool.Generic.Write([]tool.Call{{Name: "NAME", Arguments: "{...}"}})
	switch c.Choice.Mode {
	case tool.Required:
		out.WriteString("Call a function. ")
	case tool.Named:
		out.WriteString("Call the function " + c.Choice.Name + ". ")
	default:
		out.WriteString("Answer in plain text, or call a function. ")
	}
	out.WriteString("To call, write only this JSON: " + example)
	if c.Parallel {
		out.WriteString("\nThe list may have several calls.")
	}
	return out.String()
}

// describe is a tool as a line of JSON.
func describe(f tool.Tool) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	}{f.Name, f.Description, f.Schema()})
	if err != nil {
		return f.Name // a schema that is not JSON; the grammar will refuse it
	}
	return strings.TrimSpace(out.String())
}
