package anthropic

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// tools reads the tools that a client runs. Tools of other types run at a server:
// they are skipped, and the answer's header names them.
// The paths are those of the tools in the request.
func tools(r *httpapi.Reader) (all []tool.Tool, paths []string) {
	for i, in := range r.Objects("tools") {
		if !generation.IsTool(in, "custom") {
			continue
		}
		in.Require("input_schema", "the JSON Schema of the tool's input")
		all, paths = append(all, generation.Tool(in, "input_schema")), append(paths, fmt.Sprintf("tools[%d]", i))
	}
	return all, paths
}

// choice reads which tools an answer may or must use, and whether several.
func choice(r *httpapi.Reader) (c tool.Choice, parallel bool) {
	in := r.Inside("tool_choice")
	if in == nil {
		return c, true
	}
	var kind string
	in.Require("type", "auto, any, tool or none")
	switch in.Text("type", &kind); kind {
	case "auto":
	case "any":
		c.Mode = tool.Required
	case "none":
		c.Mode = tool.None
	case "tool":
		c.Mode = tool.Named
		in.Require("name", "the name of the tool")
		in.Text("name", &c.Name)
	default:
		in.Fault("type", httpapi.CodeValue, "is %q, expected auto, any, tool or none", kind)
	}
	var single bool
	in.Flag("disable_parallel_tool_use", &single)
	return c, !single
}
