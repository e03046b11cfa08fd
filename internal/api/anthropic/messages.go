package anthropic

import (
	"strings"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/transcript"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// errorPrefix begins the result of a tool that failed.
const errorPrefix = "Error: "

// messages reads system and messages as turns of a chat.
func (s *server) messages(r *httpapi.Reader) []chat.Message {
	var t transcript.Transcript
	if text := content(r, "system"); text != "" {
		t.Say(transcript.System, text, nil)
	}
	r.Require("messages", "the conversation to answer")
	all := r.Objects("messages")
	if len(all) == 0 {
		r.Fault("messages", httpapi.CodeValue, "is empty, expected at least one")
	}
	for _, one := range all {
		s.message(one, &t)
	}
	return t.Messages()
}

// message reads a message: a text, or a list of content blocks.
func (s *server) message(r *httpapi.Reader, t *transcript.Transcript) {
	var role string
	r.Require("role", "who says the message")
	switch r.Text("role", &role); role {
	case transcript.User, transcript.Assistant, transcript.System:
	default:
		r.Fault("role", httpapi.CodeValue, "is %q, expected user, assistant or system", role)
	}
	attributes := generation.MessageAttributes(r, role, s.cfg.Template)
	r.Require("content", "a text, or a list of content blocks")
	raw, _ := r.Any("content")
	if httpapi.KindOf(raw) != httpapi.KindList {
		t.Say(role, content(r, "content"), attributes)
		return
	}
	var text strings.Builder // of the blocks since the last that is no text
	textOnly := true
	for _, b := range r.Objects("content") {
		kind := typeOf(b)
		if kind == typeText {
			text.WriteString(textOf(b, "text"))
			continue
		}
		if text.Len() > 0 {
			t.Say(role, text.String(), attributes)
		}
		text.Reset()
		readBlock(b, kind, role, t)
		textOnly = false
	}
	switch {
	case text.Len() > 0 || textOnly: // a text may be empty
		t.Say(role, text.String(), attributes)
	case len(attributes) > 0:
		r.Fault("content", httpapi.CodeValue, "does not end with a text, which the attributes of the message would steer the answer to")
	}
}

// readBlock reads a content block that is no text.
func readBlock(r *httpapi.Reader, kind, role string, t *transcript.Transcript) {
	switch {
	case role == transcript.Assistant && kind == typeThinking:
		r.Accept("signature") // nothing is signed here
		t.Think(textOf(r, "thinking"))
	case role == transcript.Assistant && kind == typeRedactedThinking:
		// Its data is encrypted for another server. It is not read, so the answer's
		// header names it.
	case role == transcript.Assistant && kind == typeToolUse:
		t.Call(use(r))
	case role == transcript.User && kind == typeToolResult:
		id, text := result(r)
		t.Result(id, text)
	default:
		r.Fault("type", httpapi.CodeUnsupported, "is %q on a message of role %s, expected %s", kind, role, blocksOf[role])
	}
}

// blocksOf are the types of the content blocks of a role.
var blocksOf = map[string]string{
	transcript.System:    "text",
	transcript.User:      "text or tool_result",
	transcript.Assistant: "text, thinking, redacted_thinking or tool_use",
}

// typeOf reads the type of a content block.
func typeOf(r *httpapi.Reader) string {
	var kind string
	r.Require("type", "the type of the content block")
	r.Text("type", &kind)
	return kind
}

// textOf reads a text that must be there.
func textOf(r *httpapi.Reader, name string) string {
	var text string
	r.Require(name, "the text of the content block")
	r.Text(name, &text)
	return text
}

// content reads a text, or a list of text blocks, which are joined as they are;
// absent is "".
func content(r *httpapi.Reader, name string) string {
	return r.TextOrParts(name, "content blocks", texts)
}

// texts joins the texts of blocks.
func texts(blocks []*httpapi.Reader) string {
	var all strings.Builder
	for _, b := range blocks {
		if kind := typeOf(b); kind != typeText {
			b.Fault("type", httpapi.CodeUnsupported, "is %q, only text is supported", kind)
		}
		all.WriteString(textOf(b, "text"))
	}
	return all.String()
}

// use reads the use of a tool that an answer made.
func use(r *httpapi.Reader) tool.Call {
	var c tool.Call
	r.Name("id", "the id of the tool's use", &c.ID)
	r.Name("name", "the name of the tool", &c.Name)
	r.Require("input", "an object")
	input, _ := r.Value("input", httpapi.KindObject)
	c.Arguments = string(input)
	return c
}

// result reads the result of a tool. One that is an error says so in its text.
func result(r *httpapi.Reader) (id, text string) {
	r.Name("tool_use_id", "the id of the tool's use that this is the result of", &id)
	text = content(r, "content")
	var failed bool
	if r.Flag("is_error", &failed); failed {
		text = errorPrefix + text
	}
	return id, text
}
