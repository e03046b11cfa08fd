package responses

import (
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// typeFunction is the type of the tools that a client runs, the only ones here.
const typeFunction = "function"

// tools reads the functions. Tools of other types run at a server: they are
// skipped, and the answer's header names them.
func tools(r *httpapi.Reader) []generation.Function {
	var all []generation.Function
	for i, in := range r.Objects("tools") {
		if !generation.IsTool(in, typeFunction) {
			continue
		}
		all = append(all, generation.Function{Tool: generation.Tool(in, "parameters"), Path: fmt.Sprintf("tools[%d]", i)})
	}
	return all
}

// choice reads tool_choice, and returns the tools that it allows.
func choice(r *httpapi.Reader, all []generation.Function) (tool.Choice, []generation.Function) {
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
		var some []*httpapi.Reader
		for _, one := range in.Objects("tools") {
			if generation.IsTool(one, typeFunction) {
				some = append(some, one)
			}
		}
		in.Require("mode", "auto or required")
		return tool.Choice{Mode: generation.ToolMode(in, "mode")}, generation.Allowed(some, all)
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

func echoTools(all []generation.Function) []toolEcho {
	out := make([]toolEcho, len(all))
	for i, t := range all {
		out[i] = toolEcho{Type: typeFunction, Name: t.Name, Parameters: t.Schema(), Strict: t.Strict}
		if t.Description != "" {
			out[i].Description = &t.Description
		}
	}
	return out
}
