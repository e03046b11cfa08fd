package transcript

import (
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Roles of turns.
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
	Tool      = "tool"
)

// between separates the texts of items that become one turn.
const between = "\n\n"

// Transcript is a conversation that grows at its end.
type Transcript struct {
	messages []chat.Message
}

// Messages returns the turns.
func (t *Transcript) Messages() []chat.Message { return t.messages }

// Last returns the role of the last turn; "" is none.
func (t *Transcript) Last() string {
	if len(t.messages) == 0 {
		return ""
	}
	return t.messages[len(t.messages)-1].Role
}

// Say adds a text of the system, the user or the assistant. Attributes are a
// user's; of an attribute that several texts of a turn set, the last value counts.
func (t *Transcript) Say(role, text string, a chat.Attributes) {
	m := t.turn(role)
	if m.Content != "" && text != "" {
		m.Content += between
	}
	m.Content += text
	if len(a) > 0 {
		m.Attributes = chat.Merge(m.Attributes, a)
	}
}

// Think adds what the assistant thought before it says or calls something.
func (t *Transcript) Think(text string) {
	m := t.turn(Assistant)
	if m.Reasoning != "" && text != "" {
		m.Reasoning += between
	}
	m.Reasoning += text
}

// Call adds a call of a tool by the assistant.
func (t *Transcript) Call(c tool.Call) {
	m := t.turn(Assistant)
	m.ToolCalls = append(m.ToolCalls, c)
}

// Result adds the result of the call of an id, under the name of that call.
func (t *Transcript) Result(id, text string) {
	m := chat.Message{Role: Tool, ToolCallID: id, Content: text}
	for _, turn := range t.messages {
		for _, c := range turn.ToolCalls {
			if c.ID == id {
				m.Name = c.Name
			}
		}
	}
	t.messages = append(t.messages, m)
}

// turn returns the last turn if it has a role, or begins one.
func (t *Transcript) turn(role string) *chat.Message {
	if len(t.messages) == 0 || t.Last() != role {
		t.messages = append(t.messages, chat.Message{Role: role})
	}
	return &t.messages[len(t.messages)-1]
}
