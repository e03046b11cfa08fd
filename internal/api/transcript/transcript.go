package transcript

import (
	"slices"
	"strings"

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
	// said and thought are the texts of the last turn, which are joined at its end:
	// a turn of many texts would be copied for each of them.
	said, thought []string
	names         map[string]string // of functions, by the ids of their calls
}

// Messages returns the turns.
func (t *Transcript) Messages() []chat.Message {
	t.end()
	return t.messages
}

// end joins the texts of the last turn.
func (t *Transcript) end() {
	if n := len(t.messages); n > 0 {
		m := &t.messages[n-1]
		m.Content, m.Reasoning = join(m.Content, t.said), join(m.Reasoning, t.thought)
	}
	t.said, t.thought = nil, nil
}

// join joins texts that are not empty.
func join(first string, more []string) string {
	return strings.Join(slices.DeleteFunc(append([]string{first}, more...), func(s string) bool { return s == "" }), between)
}

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
	t.said = append(t.said, text)
	if len(a) > 0 {
		m.Attributes = chat.Merge(m.Attributes, a)
	}
}

// Think adds what the assistant thought before it says or calls something.
func (t *Transcript) Think(text string) {
	t.turn(Assistant)
	t.thought = append(t.thought, text)
}

// Call adds a call of a tool by the assistant.
func (t *Transcript) Call(c tool.Call) {
	m := t.turn(Assistant)
	m.ToolCalls = append(m.ToolCalls, c)
	if t.names == nil {
		t.names = map[string]string{}
	}
	t.names[c.ID] = c.Name
}

// Result adds the result of the call of an id, under the name of that call.
func (t *Transcript) Result(id, text string) {
	t.end()
	t.messages = append(t.messages, chat.Message{Role: Tool, ToolCallID: id, Content: text, Name: t.names[id]})
}

// turn returns the last turn if it has a role, or begins one.
func (t *Transcript) turn(role string) *chat.Message {
	if len(t.messages) == 0 || t.Last() != role {
		t.end()
		t.messages = append(t.messages, chat.Message{Role: role})
	}
	return &t.messages[len(t.messages)-1]
}
