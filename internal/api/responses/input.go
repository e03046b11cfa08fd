package responses

import (
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/transcript"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// messages reads instructions and input as turns of a chat. An input without items
// is an empty text of the user: clients send one to see whether the API is there.
func (s *server) messages(r *httpapi.Reader) []chat.Message {
	var t transcript.Transcript
	var instructions string
	if r.Text("instructions", &instructions); instructions != "" {
		t.Say(transcript.System, instructions, nil)
	}
	const param = "input"
	r.Require(param, "a text, or a list of items")
	raw, _ := r.Any(param)
	switch kind := httpapi.KindOf(raw); kind {
	case httpapi.KindMissing:
	case httpapi.KindString:
		t.Say(transcript.User, r.Decode(param, raw), nil)
	case httpapi.KindList:
		items := r.Objects(param)
		for _, one := range items {
			s.item(one, &t)
		}
		if len(items) == 0 {
			t.Say(transcript.User, "", nil)
		}
	default:
		r.Fault(param, httpapi.CodeType, "is %s, expected a text or a list of items", kind)
	}
	return t.Messages()
}

// item reads one item. Its id and status describe it and ask for nothing.
func (s *server) item(r *httpapi.Reader, t *transcript.Transcript) {
	kind := typeMessage
	if !r.Has("type") && !r.Has("role") && r.Has("id") {
		kind = typeReference // its type is optional
	}
	r.Text("type", &kind)
	r.Accept("id", "status")
	switch kind {
	case typeMessage:
		s.message(r, t)
	case typeReasoning:
		t.Think(thought(r))
	case typeCall:
		t.Call(call(r))
	case typeOutput:
		var id string
		r.Name("call_id", "the id of the call that this is the result of", &id)
		t.Result(id, content(r, "output"))
	case typeReference:
		r.Fault("type", httpapi.CodeUnsupported, "is item_reference, but this server stores no items: send the item itself (clients do with store false)")
	default:
		r.Fault("type", httpapi.CodeUnsupported, "is %q, expected message, reasoning, function_call or function_call_output", kind)
	}
}

// message reads a message. A phase says which of the assistant's messages is the
// last, which their order says too.
func (s *server) message(r *httpapi.Reader, t *transcript.Transcript) {
	var role string
	r.Require("role", "who says the message")
	r.Text("role", &role)
	r.Accept("phase")
	switch role {
	case transcript.User, transcript.Assistant, transcript.System:
	case "developer":
		role = transcript.System
	default:
		r.Fault("role", httpapi.CodeValue, "is %q, expected user, assistant, system or developer", role)
	}
	t.Say(role, content(r, "content"), generation.MessageAttributes(r, role, s.cfg.Template))
}

// content reads a text, or a list of text parts, which are joined as they are.
func content(r *httpapi.Reader, name string) string {
	r.Require(name, "a text, or a list of text parts")
	return r.TextOrParts(name, "text parts", func(parts []*httpapi.Reader) string { return texts(parts, inputText, outputText, refusal) })
}

// texts joins the texts of parts, which are of the given types.
func texts(parts []*httpapi.Reader, types ...string) string {
	var all strings.Builder
	for _, part := range parts {
		var kind, text string
		part.Text("type", &kind)
		key := "text"
		if kind == refusal {
			key = refusal
		}
		if !slices.Contains(types, kind) {
			part.Fault("type", httpapi.CodeUnsupported, "is %q, only text is supported: %s", kind, strings.Join(types, ", "))
		}
		if kind == outputText {
			part.Accept("annotations", "logprobs") // of an answer that is sent back
		}
		part.Require(key, "the text of the part")
		part.Text(key, &text)
		all.WriteString(text)
	}
	return all.String()
}

// thought reads reasoning: its content, or else its summary.
func thought(r *httpapi.Reader) string {
	if text := texts(r.Objects("content"), reasoningText); text != "" {
		if r.Is("summary", "[]") {
			r.Accept("summary")
		}
		return text
	}
	return texts(r.Objects("summary"), summaryText)
}

// call reads a call that an answer made.
func call(r *httpapi.Reader) tool.Call {
	var c tool.Call
	r.Name("call_id", "the id of the call", &c.ID)
	r.Name("name", "the name of the function", &c.Name)
	r.Require("arguments", "a JSON object, as a text")
	r.Text("arguments", &c.Arguments)
	return c
}
