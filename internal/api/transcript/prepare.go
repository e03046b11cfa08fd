package transcript

import (
	"context"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Prepare prepares a turn of a conversation. Agents write system messages anywhere,
// which many chat templates refuse: if this one does, those behind the first turn are
// read as texts of the user, where they stand.
func Prepare(ctx context.Context, s completion.Service, c completion.Conversation) (*completion.Turn, error) {
	turn, err := s.Prepare(ctx, c)
	if err == nil {
		return turn, nil
	}
	first, changed := systemFirst(c.Messages)
	if !changed {
		return nil, err
	}
	c.Messages = first
	if turn, again := s.Prepare(ctx, c); again == nil {
		return turn, nil
	}
	return nil, err
}

// systemFirst makes texts of the user of the system's turns behind the first turn.
func systemFirst(messages []chat.Message) (out []chat.Message, changed bool) {
	var t Transcript
	for i, m := range messages {
		switch {
		case m.Role == System && i > 0:
			t.Say(User, m.Content, nil)
			changed = true
		case m.Role == User:
			t.Say(User, m.Content, m.Attributes)
		default:
			t.end()
			t.messages = append(t.messages, m)
		}
	}
	return t.Messages(), changed
}
