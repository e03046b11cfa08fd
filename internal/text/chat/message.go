package chat

import (
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Message is one turn.
type Message struct {
	// Role is system, developer (another name of system), user, assistant or tool.
	Role    string
	Content string
	// Attributes override those of the request. Only user messages may have them.
	Attributes Attributes
	// ToolCalls are what the assistant called in this turn; Content may then be
	// empty.
	ToolCalls []tool.Call
	// ToolCallID is the call of which a message of the role tool is the result.
	ToolCallID string
	// Name is the function's in a message of the role tool, if the client gave it.
	Name string
	// Reasoning is what the assistant thought before Content.
	Reasoning string

	turn int // its number in the request, while it is rendered
}

// roles maps the role names of clients to those of templates.
var roles = map[string]string{"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}

// check refuses what no template could honor. Turns count from 0. Any turn may be
// the last if open.
func check(messages []Message, open bool) error {
	if len(messages) == 0 {
		return errors.New("there are no messages")
	}
	for i, m := range messages {
		role, known := roles[m.Role]
		if !known {
			return fmt.Errorf("turn %d has the role %.40q, expected system, developer, user, assistant or tool", i, m.Role)
		}
		m.turn = i
		if len(m.Attributes) > 0 && role != "user" {
			return turnError(m, errors.New("attributes belong to the turns of the user"))
		}
		if err := m.Attributes.Validate(); err != nil {
			return turnError(m, err)
		}
	}
	if last := messages[len(messages)-1]; !open && last.Role != "user" && last.Role != "tool" {
		last.turn = len(messages) - 1
		return turnError(last, errors.New("the last turn must be the user's"))
	}
	return nil
}

func turnError(m Message, err error) error {
	return fmt.Errorf("turn %d (%s): %w", m.turn, m.Role, err)
}
