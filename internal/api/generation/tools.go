package generation

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Tool reads a function. Its JSON Schema has one of two names.
func Tool(r *httpapi.Reader, schema string) tool.Tool {
	var t tool.Tool
	r.Require("name", "the name of the function")
	r.Text("name", &t.Name)
	r.Text("description", &t.Description)
	r.Flag("strict", &t.Strict)
	raw, _ := r.Value(schema, httpapi.KindObject)
	t.Parameters = bytes.Clone(raw) // the answer needs it, and not the whole body
	return t
}

// Function is a tool with its path in the request.
type Function struct {
	tool.Tool
	Path string
}

// Functions splits functions into tools and their paths.
func Functions(all []Function) (tools []tool.Tool, paths []string) {
	for _, f := range all {
		tools, paths = append(tools, f.Tool), append(paths, f.Path)
	}
	return tools, paths
}

// Allowed reads which functions may be called, each in an object of its own.
func Allowed(some []*httpapi.Reader, all []Function) []Function {
	names := map[string]bool{}
	for _, r := range some {
		var name string
		r.Require("name", "the name of the function")
		r.Text("name", &name)
		if !slices.ContainsFunc(all, func(f Function) bool { return f.Name == name }) {
			r.Fault("name", httpapi.CodeValue, "is %q, but there is no such function in tools", name)
		}
		names[name] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(f Function) bool { return !names[f.Name] })
}

// ToolParam is the path in the request of what package completion says of a tool. The
// paths are those of its tools.
func ToolParam(param string, paths []string) string {
	for i, path := range paths {
		if rest, ok := strings.CutPrefix(param, fmt.Sprintf("tools[%d].function", i)); ok {
			return path + rest
		}
	}
	return param
}

// IsTool reads the type of a tool, and reports whether it is the given one, which
// is the default. Another type is named in the answer's header.
func IsTool(r *httpapi.Reader, want string) bool {
	const param = "type"
	kind := want
	if r.Text(param, &kind); kind != want {
		r.Ignore(param)
	}
	return kind == want
}

// ToolMode reads whether functions are called: auto, required, or one more word.
func ToolMode(r *httpapi.Reader, param string, more ...string) tool.Mode {
	modes := map[string]tool.Mode{"auto": tool.Auto, "required": tool.Required, "none": tool.None}
	var word string
	r.Text(param, &word)
	if allowed := append([]string{"auto", "required"}, more...); !slices.Contains(allowed, word) {
		r.Fault(param, httpapi.CodeValue, "is %q, expected one of %q", word, allowed)
	}
	return modes[word]
}

// ToolChoice reads a tool_choice that is one word. One that is an object is the
// caller's to read: in is its Reader, and nil otherwise.
func ToolChoice(r *httpapi.Reader) (c tool.Choice, in *httpapi.Reader) {
	const param = "tool_choice"
	raw, ok := r.Any(param)
	switch {
	case !ok:
		return tool.Choice{}, nil
	case httpapi.KindOf(raw) == httpapi.KindString:
		return tool.Choice{Mode: ToolMode(r, param, "none")}, nil
	}
	return tool.Choice{}, r.Inside(param)
}
