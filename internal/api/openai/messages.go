package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// turn prepares the turn that a request asks for.
func (s *Server) turn(f fields, output *completion.StructuredOutput) (*completion.Turn, error) {
	messages, err := s.messages(f)
	if err != nil {
		return nil, err
	}
	attributes, err := s.attributes(f)
	if err != nil {
		return nil, err
	}
	turn, err := s.cfg.Prepare(completion.Conversation{Messages: messages, Attributes: attributes, Output: output})
	if err != nil {
		return nil, err
	}
	return turn, about("messages", s.cfg.Completer.Check(turn.Prompt))
}

// messages reads the turns of a conversation.
func (s *Server) messages(f fields) ([]chat.Message, error) {
	const param = "messages"
	if !f.has(param) {
		return nil, invalid(param, codeMissing, "messages is missing: the conversation to answer")
	}
	list, ok := listOf(f[param])
	if !ok {
		return nil, invalid(param, codeType, "messages is "+kindOf(f[param])+", expected a list")
	}
	if len(list) == 0 {
		return nil, invalid(param, codeValue, "messages is empty, expected at least one")
	}
	messages := make([]chat.Message, len(list))
	for i, raw := range list {
		var err error
		if messages[i], err = s.message(fmt.Sprintf("messages[%d]", i), raw); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// message reads one turn.
func (s *Server) message(param string, raw json.RawMessage) (chat.Message, error) {
	var out chat.Message
	f, err := object(param, raw)
	if err != nil {
		return out, err
	}
	r := &reader{f: f, prefix: param + "."}
	if !f.has("role") {
		return out, invalid(param+".role", codeMissing, param+".role is missing")
	}
	r.text("role", &out.Role)
	switch out.Role {
	case "system", "developer", "user", "assistant":
	default:
		r.fault("role", codeValue, "is %q, expected system, developer, user or assistant", out.Role)
	}
	for _, name := range []string{"tool_calls", "tool_call_id", "function_call", "audio"} {
		if f.has(name) && !same(f[name], "[]") {
			r.fault(name, codeUnsupported, "is not supported")
		}
	}
	if r.err != nil {
		return out, r.err
	}
	if out.Content, err = content(param+".content", f["content"]); err != nil {
		return out, err
	}
	out.Attributes, err = s.messageAttributes(r, out.Role)
	return out, err
}

// content is a text, or a list of text parts, which are joined as they are.
func content(param string, raw json.RawMessage) (string, error) {
	switch kind := kindOf(raw); kind {
	case "a string":
		return asText(raw), nil
	case "a list":
	case "missing", "null":
		return "", invalid(param, codeMissing, param+" is missing: the text of the message")
	default:
		return "", invalid(param, codeType, param+" is "+kind+", expected a text or a list of text parts")
	}
	parts, _ := listOf(raw)
	var all strings.Builder
	for i, part := range parts {
		name := fmt.Sprintf("%s[%d]", param, i)
		f, err := object(name, part)
		if err != nil {
			return "", err
		}
		r := &reader{f: f, prefix: name + "."}
		var kind, text string
		r.text("type", &kind)
		if r.text("text", &text); r.err != nil {
			return "", r.err
		}
		switch {
		case kind != "text":
			return "", invalid(name+".type", codeUnsupported, fmt.Sprintf("%s.type is %q, only text is supported", name, kind))
		case !f.has("text"):
			return "", invalid(name+".text", codeMissing, name+".text is missing")
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

// attributes are the request's own for every user message.
func (s *Server) attributes(f fields) (chat.Attributes, error) {
	if !f.has("attributes") {
		return nil, nil
	}
	own, err := object("attributes", f["attributes"])
	if err != nil {
		return nil, err
	}
	request := chat.Attributes{}
	r := &reader{f: own, prefix: "attributes."}
	for _, name := range own.names() {
		if !isAttribute(name) {
			r.fault(name, codeValue, "is not an attribute")
		}
		s.attribute(r, name, request)
	}
	return request, r.err
}

// messageAttributes are the numbers beside the role and content of a user
// message. What else is there is not read.
func (s *Server) messageAttributes(r *reader, role string) (chat.Attributes, error) {
	out := chat.Attributes{}
	for _, name := range r.f.names() {
		known := isAttribute(name)
		switch {
		case !r.f.has(name):
		case !known && kindOf(r.f[name]) == "a number":
			r.fault(name, codeValue, "is not an attribute")
		case known && role != "user":
			r.fault(name, codeValue, "is on a message of role %s: attributes belong on user messages", role)
		case known:
			s.attribute(r, name, out)
		}
	}
	return out, r.err
}

// attribute reads one that the model's template reads too.
func (s *Server) attribute(r *reader, name string, out chat.Attributes) {
	var v int
	r.integer(name, &v)
	if r.err != nil || !r.f.has(name) {
		return
	}
	one := chat.Attributes{name: v}
	if err := one.Validate(); err != nil {
		r.fault(name, codeValue, "is %d: %v", v, err)
	}
	if s.cfg.Template.CheckAttributes(one) != nil {
		r.fault(name, codeUnsupported, "is not read by the model's template")
	}
	out[name] = v
}

func isAttribute(name string) bool { return chat.Attributes{name: 0}.Validate() == nil }

// listOf splits a list into its elements.
func listOf(raw json.RawMessage) ([]json.RawMessage, bool) {
	if kindOf(raw) != "a list" {
		return nil, false
	}
	var list []json.RawMessage
	return list, json.Unmarshal(raw, &list) == nil
}

// listOfTexts reads a list of texts only.
func listOfTexts(raw json.RawMessage) ([]string, bool) {
	list, ok := listOf(raw)
	texts := make([]string, len(list))
	for i, raw := range list {
		if kindOf(raw) != "a string" {
			return nil, false
		}
		texts[i] = asText(raw)
	}
	return texts, ok
}
