package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// request is what a client asks for.
type request struct {
	options      generation.Options
	conversation completion.Conversation
	toolPaths    []string // of the conversation's tools in the request
	stream       bool
	logprobs     int // alternatives to show of each token; -1 is no log probabilities
	echo         echo
}

// read reads a request; the fault of r says what is wrong with it.
func (s *server) read(c *httpapi.Call) request {
	r := c.Body
	generation.CheckModel(r, s.cfg.Model)
	refuseState(r)
	q := request{options: generation.Read(c, s.cfg.Service), logprobs: -1}
	q.options.Request.Stop = generation.Stop(r, "stop")
	s.readConversation(r, &q)
	r.Flag("stream", &q.stream)
	if in := r.Inside("stream_options"); in != nil && in.Is("include_obfuscation", "false") {
		in.Accept("include_obfuscation")
	}
	r.IntegerWithin("max_output_tokens", &q.options.Request.MaxTokens, 1, math.MaxInt32)
	if q.options.Request.MaxTokens > 0 {
		q.echo.MaxTokens = &q.options.Request.MaxTokens
	}
	readLogprobs(r, &q)
	q.echo.Truncation = "disabled"
	if r.Is("truncation", `"disabled"`) {
		r.Accept("truncation")
	} else if r.Has("truncation") && !r.Is("truncation", `"auto"`) {
		r.Fault("truncation", httpapi.CodeValue, "is neither auto nor disabled")
	}
	q.echo.Metadata = json.RawMessage("{}")
	if raw, ok := r.Value("metadata", httpapi.KindObject); ok {
		q.echo.Metadata = bytes.Clone(raw)
	}
	q.echo.ServiceTier = "default"
	q.echo.Temperature, q.echo.TopP = q.options.Request.Params.Temperature, q.options.Request.Params.TopP
	generation.RefuseAttributes(r)
	return q
}

// refuseState refuses what needs a server that remembers answers.
func refuseState(r *httpapi.Reader) {
	const wayOut = "this server stores no answers: send the whole conversation in input"
	for _, name := range []string{"previous_response_id", "conversation"} {
		if r.Accept(name); r.Has(name) {
			r.Fault(name, httpapi.CodeUnsupported, "is not supported, as %s", wayOut)
		}
	}
	if r.Accept("prompt"); r.Has("prompt") {
		r.Fault("prompt", httpapi.CodeUnsupported, "is not supported, as this server stores no prompts: send instructions and input")
	}
	var background bool
	if r.Flag("background", &background); background {
		r.Fault("background", httpapi.CodeUnsupported, "is true, but this server stores no answers: read the answer, or its stream, of this request")
	}
}

// readConversation reads what is to be answered, and with what.
func (s *server) readConversation(r *httpapi.Reader, q *request) {
	c := &q.conversation
	c.Messages = s.messages(r)
	c.Attributes = generation.Attributes(r, s.cfg.Template)
	all := tools(r)
	var allowed []generation.Function
	c.ToolChoice, allowed = choice(r, all)
	c.Tools, q.toolPaths = generation.Functions(allowed)
	c.Parallel = true
	r.Flag("parallel_tool_calls", &c.Parallel)
	c.Output, q.echo.Text.Format = format(r)
	q.echo.Text.Format = bytes.Clone(q.echo.Text.Format)
	c.TemplateArgs = generation.TemplateArgs(r, s.cfg.Template)
	if in := r.Inside("reasoning"); in != nil && in.Has("effort") {
		var effort string
		in.Text("effort", &effort)
		generation.SetArg(r, c.TemplateArgs, effortArg, effort, "reasoning.effort")
		q.echo.Reasoning.Effort = &effort
	}
	var instructions string
	if r.Has("instructions") {
		r.Text("instructions", &instructions)
		q.echo.Instructions = &instructions
	}
	q.echo.Parallel, q.echo.Tools, q.echo.ToolChoice = c.Parallel, echoTools(all), "auto"
	if raw, ok := r.Any("tool_choice"); ok {
		q.echo.ToolChoice = json.RawMessage(bytes.Clone(raw))
	}
}

// effortArg is the variable by which chat templates bound reasoning.
const effortArg = "reasoning_effort"

// format reads what the text of the answer must be, and returns it as it was given.
func format(r *httpapi.Reader) (*completion.StructuredOutput, json.RawMessage) {
	anyText := json.RawMessage(`{"type":"text"}`)
	text := r.Inside("text")
	if text == nil {
		return nil, anyText
	}
	raw, ok := text.Any("format")
	if !ok {
		return nil, anyText
	}
	in := text.Inside("format")
	if in == nil {
		return nil, anyText
	}
	var kind string
	switch in.Text("type", &kind); kind {
	case "text":
		return nil, raw
	case "json_object":
		return completion.JSONObject("text.format"), raw
	case "json_schema":
		var name string
		var strict bool // every schema is obeyed
		in.Text("name", &name)
		in.Flag("strict", &strict)
		in.Require("schema", "the JSON Schema of the answer")
		schema, _ := in.Value("schema", httpapi.KindObject)
		return completion.JSONSchema(in.Path("schema"), schema), raw
	}
	in.Fault("type", httpapi.CodeValue, "is %q, expected text, json_object or json_schema", kind)
	return nil, anyText
}

// includeLogprobs is what include has when log probabilities are wanted.
const includeLogprobs = "message.output_text.logprobs"

// readLogprobs reads include and top_logprobs. What else include asks for is of
// tools that run at a server.
func readLogprobs(r *httpapi.Reader, q *request) {
	const include = "include"
	raw, ok := r.Value(include, httpapi.KindList)
	if wanted, texts := r.Texts(include, raw); ok && !texts {
		r.Fault(include, httpapi.CodeType, "is not a list of texts")
	} else {
		for i, name := range wanted {
			if name == includeLogprobs {
				q.logprobs = 0
			} else {
				r.Ignore(fmt.Sprintf("include[%d]", i))
			}
		}
	}
	r.IntegerWithin("top_logprobs", &q.echo.TopLogprobs, 0, completion.MaxLogprobs)
	if q.echo.TopLogprobs > 0 || q.logprobs == 0 {
		q.logprobs = q.echo.TopLogprobs
	}
	q.options.Request.Logprobs = q.logprobs
}
