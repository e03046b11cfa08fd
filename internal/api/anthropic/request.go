package anthropic

import (
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/transcript"
)

// request is what a client asks for.
type request struct {
	options      generation.Options
	conversation completion.Conversation
	toolPaths    []string // of the conversation's tools in the request
	// thinks is whether the model shall think, if the request's thinking says so.
	thinks *bool
	stream bool
}

// read reads a request to answer; the fault of the body says what is wrong with
// it.
func (s *server) read(c *httpapi.Call) request {
	r := c.Body
	q := s.conversation(r)
	q.options = generation.Read(c, s.cfg.Service)
	q.options.Request.Stop = generation.Stop(r, "stop_sequences")
	r.Require("max_tokens", "the maximum number of tokens of the answer")
	r.IntegerWithin("max_tokens", &q.options.Request.MaxTokens, 1, math.MaxInt32)
	r.Flag("stream", &q.stream)
	generation.RefuseAttributes(r)
	return q
}

// conversation reads what is to be answered, and with what. A last message of the
// assistant is the beginning of the answer.
func (s *server) conversation(r *httpapi.Reader) (q request) {
	generation.CheckModel(r, s.cfg.Model)
	c := &q.conversation
	c.Messages = s.messages(r)
	c.Attributes = generation.Attributes(r, s.cfg.Template)
	c.Tools, q.toolPaths = tools(r)
	c.TemplateArgs = generation.TemplateArgs(r, s.cfg.Template)
	c.ToolChoice, c.Parallel = choice(r)
	if n := len(c.Messages); n > 0 {
		last := c.Messages[n-1]
		c.Continue = last.Role == transcript.Assistant && len(last.ToolCalls) == 0
	}
	if in := r.Inside("output_config"); in != nil {
		c.Output = format(in)
	}
	if in := r.Inside("thinking"); in != nil {
		q.thinks = readThinking(in)
	}
	if q.thinks != nil {
		generation.SetArg(r, c.TemplateArgs, thinkingArg, *q.thinks, "thinking.type")
	}
	return q
}

// format reads what the text of the answer must be; nil is any text.
func format(r *httpapi.Reader) *completion.StructuredOutput {
	in := r.Inside("format")
	if in == nil {
		return nil
	}
	var kind string
	if in.Text("type", &kind); kind != "json_schema" {
		in.Fault("type", httpapi.CodeUnsupported, "is %q, expected json_schema", kind)
	}
	in.Require("schema", "the JSON Schema of the answer")
	schema, _ := in.Value("schema", httpapi.KindObject)
	return completion.JSONSchema(in.Path("schema"), schema)
}

// thinkingArg is the variable by which chat templates switch thinking.
const thinkingArg = "enable_thinking"

// readThinking reads whether the model shall think, which becomes a variable of its
// template; nil is as the template has it. How long it thinks is not bounded:
// budget_tokens is not read.
func readThinking(r *httpapi.Reader) *bool {
	var kind string
	r.Require("type", "enabled, disabled or adaptive")
	r.Text("type", &kind)
	enabled := kind == "enabled"
	switch kind {
	case "enabled", "disabled":
		return &enabled
	case "adaptive", "between_tools":
	default:
		r.Fault("type", httpapi.CodeValue, "is %q, expected enabled, disabled or adaptive", kind)
	}
	return nil
}
