package openai

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// kindFunction is the only kind of tools and calls here.
const kindFunction = "function"

// tools reads the functions that the model may call.
func tools(r *httpapi.Reader) []generation.Function {
	var all []generation.Function
	for i, in := range r.Objects("tools") {
		f := inFunction(in, "the function that may be called")
		if f == nil {
			return nil
		}
		all = append(all, generation.Function{Tool: generation.Tool(f, "parameters"), Path: fmt.Sprintf("tools[%d].function", i)})
	}
	return all
}

// inFunction opens the function of a tool, a call or a choice; nil is a fault.
func inFunction(r *httpapi.Reader, what string) *httpapi.Reader {
	kind := kindFunction
	if r.Text("type", &kind); kind != kindFunction {
		r.Fault("type", httpapi.CodeUnsupported, "is %q, only function is supported", kind)
	}
	r.Require("function", what)
	return r.Inside("function")
}

// toolChoice reads which functions may or must be called, and returns those that
// may.
func toolChoice(r *httpapi.Reader, all []generation.Function) (tool.Choice, []generation.Function) {
	c, in := generation.ToolChoice(r)
	if in == nil {
		return c, all
	}
	if in.Is("type", `"allowed_tools"`) {
		in.Accept("type")
		return allowedTools(in, all)
	}
	var name string
	if f := inFunction(in, "the function to call"); f != nil {
		f.Require("name", "the name of the function")
		f.Text("name", &name)
	}
	return tool.Choice{Mode: tool.Named, Name: name}, all
}

// allowedTools reads a choice among some of the functions.
func allowedTools(r *httpapi.Reader, all []generation.Function) (tool.Choice, []generation.Function) {
	r.Require("allowed_tools", "the functions that may be called")
	in := r.Inside("allowed_tools")
	if in == nil {
		return tool.Choice{}, all
	}
	var some []*httpapi.Reader
	for _, one := range in.Objects("tools") {
		if f := inFunction(one, "the function that may be called"); f != nil {
			some = append(some, f)
		}
	}
	in.Require("mode", "auto or required")
	return tool.Choice{Mode: generation.ToolMode(in, "mode")}, generation.Allowed(some, all)
}

// calls reads what the assistant called in a turn of the past.
func calls(r *httpapi.Reader) []tool.Call {
	var all []tool.Call
	for _, in := range r.Objects("tool_calls") {
		var c tool.Call
		in.Name("id", "the id of the call, by which its result names it", &c.ID)
		f := inFunction(in, "the function that was called")
		if f == nil {
			return nil
		}
		f.Name("name", "the name of the function", &c.Name)
		f.Text("arguments", &c.Arguments)
		all = append(all, c)
	}
	return all
}

// toolCall is a call in an answer, or a delta of one, which has an index.
type toolCall struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function functionCall `json:"function"`
}

type functionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// wholeCalls are calls as a whole answer has them.
func wholeCalls(all []tool.Call) []toolCall {
	var out []toolCall
	for _, c := range all {
		out = append(out, toolCall{ID: c.ID, Type: kindFunction, Function: functionCall{c.Name, c.Arguments}})
	}
	return out
}
