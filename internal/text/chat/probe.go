package chat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
)

// probes are conversations of every shape. The template may refuse those with a
// system message, by an exception of its own.
var probes = [][]Message{
	{{Role: "user", Content: "A"}},
	{{Role: "user", Content: "A"}, {Role: "assistant", Content: "B"}, {Role: "user", Content: "C"}},
	{{Role: "system", Content: "S"}, {Role: "user", Content: "A"}},
	{{Role: "system", Content: "S"}, {Role: "user", Content: "A"}, {Role: "assistant", Content: "B"}, {Role: "user", Content: "C"}},
}

// probe renders all probes, finds which attributes the template reads, and returns
// the text that the template itself wrote.
func (t *Template) probe() (written string, err error) {
	var all strings.Builder
	for _, messages := range probes {
		text, err := t.write(Conversation{Messages: messages})
		var refused *jinja.Error
		if hasSystem := messages[0].Role == "system"; hasSystem && errors.As(err, &refused) && refused.Raised {
			continue
		} else if err != nil {
			return "", fmt.Errorf("it fails on a conversation of %d turns: %w", len(messages), err)
		} else if i := leftOut(messages, text); i >= 0 && !hasSystem {
			return "", fmt.Errorf("it leaves the %s's turn out", messages[i].Role)
		} else {
			t.system = t.system || hasSystem && i < 0
		}
		all.WriteString(ownText(text))
	}
	t.attributes = map[string]bool{}
	for _, name := range attributeNames {
		low, errLow := t.write(Conversation{Messages: probes[0], Attributes: Attributes{name: 0}})
		high, errHigh := t.write(Conversation{Messages: probes[0], Attributes: Attributes{name: maxAttribute}})
		if err := errors.Join(errLow, errHigh); err != nil {
			return "", fmt.Errorf("it fails on the attribute %s: %w", name, err)
		}
		t.attributes[name] = low.String() != high.String()
	}
	return all.String(), nil
}

// ownText is what the template itself wrote of a text, a line a run.
func ownText(text jinja.Text) string {
	var all strings.Builder
	for len(text) > 0 {
		var part string
		var own bool
		if part, own, text = leadingRun(text); own {
			all.WriteString(part)
		}
		all.WriteByte('\n')
	}
	return all.String()
}
