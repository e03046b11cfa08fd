package role

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	requests "github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/console"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// consoleChat answers on the page Chat of a console with the service of the process.
type consoleChat struct {
	service atomic.Pointer[completion.Service] // nil until the process serves
}

// errNotServing means that the process has not joined its cluster.
var errNotServing = errors.New("the process does not serve yet")

// Attributes implements console.Chat.
func (c *consoleChat) Attributes() (out []console.Attribute) {
	s := c.service.Load()
	for _, name := range chat.AttributeNames() {
		out = append(out, console.Attribute{Name: name, Read: s != nil && slices.Contains(s.Template.Attributes(), name)})
	}
	return out
}

// Answer implements console.Chat.
func (c *consoleChat) Answer(ctx context.Context, q console.Question, say func(console.Spoken) error) (finish string, err error) {
	s := c.service.Load()
	if s == nil {
		return "", errNotServing
	}
	ctx, cancel := context.WithTimeout(ctx, s.Deadline)
	defer cancel()
	turn, err := s.Prepare(ctx, conversation(q))
	if err != nil {
		return "", err
	}
	r := turn.Request()
	r.MaxTokens, r.Params.Temperature, r.Logprobs, r.ReportNodes = q.MaxTokens, q.Temperature, -1, true
	if record := requests.FromContext(ctx); record != nil {
		r.ID = record.ID
	}
	reader, err := s.Completer.Start(ctx, r)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	for {
		d, err := reader.Next(ctx)
		if err != nil {
			return "", err
		}
		if said := spoken(d); said.Text != "" {
			if err := say(said); err != nil {
				return "", err
			}
		}
		if d.Finish != engine.NotFinished {
			return string(d.Finish), nil
		}
	}
}

func conversation(q console.Question) completion.Conversation {
	c := completion.Conversation{Attributes: chat.Attributes(q.Attributes)}
	for _, m := range q.Messages {
		c.Messages = append(c.Messages, chat.Message{Role: m.Role, Content: m.Content})
	}
	return c
}

// spoken is what a delta says, with the nodes of its tokens.
func spoken(d completion.Delta) (out console.Spoken) {
	var text strings.Builder
	for _, p := range d.Parts {
		if p.Kind == completion.Text || p.Kind == completion.Reasoning {
			text.WriteString(p.Text)
		}
	}
	for _, t := range d.Tokens {
		for _, node := range t.StepNodes {
			if !slices.Contains(out.Nodes, string(node)) {
				out.Nodes = append(out.Nodes, string(node))
			}
		}
	}
	slices.Sort(out.Nodes)
	out.Text = text.String()
	return out
}
