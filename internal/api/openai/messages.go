package openai

import (
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// turn prepares the turn that a request asks for.
func (s *server) turn(r *httpapi.Reader, output *completion.StructuredOutput) (*completion.Turn, error) {
	messages := s.messages(r)
	attributes := generation.Attributes(r, s.cfg.Template)
	if r.Err() != nil {
		return nil, r.Err()
	}
	turn, err := s.cfg.Prepare(completion.Conversation{Messages: messages, Attributes: attributes, Output: output})
	if err != nil {
		return nil, err
	}
	return turn, httpapi.About("messages", s.cfg.Completer.Check(turn.Prompt))
}

// messages reads the turns of a conversation.
func (s *server) messages(r *httpapi.Reader) []chat.Message {
	const param = "messages"
	r.Require(param, "the conversation to answer")
	list := r.Objects(param)
	if len(list) == 0 {
		r.Fault(param, httpapi.CodeValue, "is empty, expected at least one")
	}
	messages := make([]chat.Message, len(list))
	for i, one := range list {
		messages[i] = s.message(one)
	}
	return messages
}

// message reads one turn.
func (s *server) message(r *httpapi.Reader) chat.Message {
	var out chat.Message
	r.Require("role", "who says the message")
	r.Text("role", &out.Role)
	switch out.Role {
	case "system", "developer", "user", "assistant":
	default:
		r.Fault("role", httpapi.CodeValue, "is %q, expected system, developer, user or assistant", out.Role)
	}
	for _, name := range []string{"tool_calls", "tool_call_id", "function_call", "audio"} {
		if r.Accept(name); r.Has(name) && !r.Is(name, "[]") {
			r.Fault(name, httpapi.CodeUnsupported, "is not supported")
		}
	}
	out.Content = content(r)
	out.Attributes = generation.MessageAttributes(r, out.Role, s.cfg.Template)
	return out
}

// content reads a text, or a list of text parts, which are joined as they are.
func content(r *httpapi.Reader) string {
	const param = "content"
	r.Require(param, "the text of the message")
	raw, ok := r.Any(param)
	if !ok {
		return ""
	}
	switch kind := httpapi.KindOf(raw); kind {
	case httpapi.KindString:
		return httpapi.Text(raw)
	case httpapi.KindList:
	default:
		r.Fault(param, httpapi.CodeType, "is %s, expected a text or a list of text parts", kind)
		return ""
	}
	var all strings.Builder
	for _, part := range r.Objects(param) {
		var kind, text string
		if part.Text("type", &kind); kind != "text" {
			part.Fault("type", httpapi.CodeUnsupported, "is %q, only text is supported", kind)
		}
		part.Require("text", "the text of the part")
		part.Text("text", &text)
		all.WriteString(text)
	}
	return all.String()
}
