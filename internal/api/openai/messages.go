package openai

import (
	"context"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Roles of messages that have fields of their own.
const (
	roleAssistant = "assistant"
	roleTool      = "tool"
)

// chatTurn is the turn that a request asks for.
type chatTurn struct {
	*completion.Turn
	toolPaths []string // of its functions in the request
}

// renamed gives a fault of a turn the path of its function in the request.
func (t chatTurn) renamed(err error) error {
	return generation.Renamed(err, func(param string) string { return generation.ToolParam(param, t.toolPaths) })
}

// turn prepares the turn that a request asks for.
func (s *server) turn(ctx context.Context, r *httpapi.Reader, output *completion.StructuredOutput) (t chatTurn, err error) {
	c := completion.Conversation{Messages: s.messages(r), Attributes: generation.Attributes(r, s.cfg.Template), Parallel: true, Output: output}
	choice, functions := toolChoice(r, tools(r))
	c.ToolChoice = choice
	c.Tools, t.toolPaths = generation.Functions(functions)
	r.Flag("parallel_tool_calls", &c.Parallel)
	c.TemplateArgs = generation.TemplateArgs(r, s.cfg.Template)
	readContinuation(r, &c)
	if r.Err() != nil {
		return t, r.Err()
	}
	if t.Turn, err = s.cfg.Prepare(ctx, c); err != nil {
		return t, t.renamed(err)
	}
	for _, name := range t.IgnoredArgs {
		generation.IgnoreArg(r, name)
	}
	if t.OutputUnused {
		ignoreOutput(r)
	}
	return t, httpapi.About("messages", s.cfg.Completer.Check(t.Prompt))
}

// readContinuation reads where the prompt ends. A last message of the assistant is
// the beginning of the answer, unless the client says otherwise.
func readContinuation(r *httpapi.Reader, c *completion.Conversation) {
	const param, other = "continue_final_message", "add_generation_prompt"
	begin := true
	r.Flag(other, &begin)
	if n := len(c.Messages); n > 0 && (!begin || !r.Has(other)) {
		c.Continue = c.Messages[n-1].Role == roleAssistant && len(c.Messages[n-1].ToolCalls) == 0
	}
	r.Flag(param, &c.Continue)
	if c.Continue && begin && r.Has(other) {
		r.Fault(param, httpapi.CodeValue, "and %s are both true: an answer continues a message or is a new one", other)
	}
	c.Bare = !begin && !c.Continue
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
	case "system", "developer", "user":
	case roleAssistant:
		out.ToolCalls = calls(r)
		out.Reasoning = reasoning(r)
	case roleTool:
		r.Name("tool_call_id", "the id of the call of which the message is the result", &out.ToolCallID)
		r.Text("name", &out.Name)
	default:
		r.Fault("role", httpapi.CodeValue, "is %q, expected system, developer, user, assistant or tool", out.Role)
	}
	refuseOfMessage(r)
	if len(out.ToolCalls) == 0 || r.Has("content") {
		out.Content = content(r)
	}
	r.Accept("content")
	out.Attributes = generation.MessageAttributes(r, out.Role, s.cfg.Template)
	return out
}

// refuseOfMessage refuses the keys of a message that were not read and would change
// the answer.
func refuseOfMessage(r *httpapi.Reader) {
	hints := map[string]string{
		"tool_calls": "is for messages of the assistant", "tool_call_id": "is for messages of the role tool",
		"function_call": "is not supported: use tool_calls", "audio": "is not supported",
	}
	r.Unread(func(name string) {
		hint, refused := hints[name]
		if !refused {
			return
		}
		if r.Accept(name); r.Has(name) && !r.Is(name, "[]") {
			r.Fault(name, httpapi.CodeUnsupported, "%s", hint)
		}
	})
}

// reasoning reads what the assistant thought, under either name that servers give
// it.
func reasoning(r *httpapi.Reader) string {
	var text, other string
	r.Text("reasoning_content", &text)
	r.Text("reasoning", &other)
	switch {
	case text == "":
		return other
	case other != "" && other != text:
		r.Fault("reasoning", httpapi.CodeValue, "and reasoning_content differ: give one of them")
	}
	return text
}

// content reads a text, or a list of text parts, which are joined as they are.
func content(r *httpapi.Reader) string {
	r.Require("content", "the text of the message")
	return r.TextOrParts("content", "text parts", texts)
}

// texts joins the texts of parts.
func texts(parts []*httpapi.Reader) string {
	var all strings.Builder
	for _, part := range parts {
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
