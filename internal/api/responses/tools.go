package responses

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// typeFunction is the type of the tools that a client runs, the only ones here.
const typeFunction = "function"

// function is a tool with its path in the request.
type function struct {
	tool.Tool
	path string
}

// tools reads the functions. Tools of other types run at a server: they are
// skipped, and the answer's header names them.
func tools(r *httpapi.Reader) []function {
	var all []function
	for i, in := range r.Objects("tools") {
		if !generation.IsTool(in, typeFunction) {
			continue
		}
		all = append(all, function{generation.Tool(in, "parameters"), fmt.Sprintf("tools[%d]", i)})
	}
	return all
}

// choice reads tool_choice, and returns the tools that it allows.
func choice(r *httpapi.Reader, all []function) (tool.Choice, []function) {
	c, in := generation.ToolChoice(r)
	if in == nil {
		return c, all
	}
	var kind string
	switch in.Text("type", &kind); kind {
	case typeFunction:
		c := tool.Choice{Mode: tool.Named}
		in.Require("name", "the name of the function")
		in.Text("name", &c.Name)
		return c, all
	case "allowed_tools":
		var names []string
		for _, one := range in.Objects("tools") {
			if generation.IsTool(one, typeFunction) {
				var name string
				one.Text("name", &name)
				names = append(names, name)
			}
		}
		in.Require("mode", "auto or required")
		return tool.Choice{Mode: generation.ToolMode(in, "mode")}, slices.DeleteFunc(slices.Clone(all), func(t function) bool {
			return !slices.Contains(names, t.Name)
		})
	}
	in.Fault("type", httpapi.CodeUnsupported, "is %q, expected function or allowed_tools", kind)
	return tool.Choice{}, all
}

// toolEcho is a function as an answer repeats it.
type toolEcho struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

func echoTools(all []function) []toolEcho {
	out := make([]toolEcho, len(all))
	for i, t := range all {
		out[i] = toolEcho{Type: typeFunction, Name: t.Name, Parameters: t.Schema(), Strict: t.Strict}
		if t.Description != "" {
			out[i].Description = &t.Description
		}
	}
	return out
}
