package openai

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// extension is what hachi says beyond OpenAI's API, in the last chunk of a
// stream.
type extension struct {
	// Nodes computed experts for the answers, by name, with
	// stream_options.include_nodes. Prompt tokens of the prefix cache count for
	// none.
	Nodes []moe.NodeID `json:"nodes"`
}

// summary is what the last chunk of a stream says of all choices; nil where the
// client did not ask.
func (o options) summary(all []*choice) (total any, more *extension) {
	if o.usage {
		total = countUsage(all, o.n)
	}
	if o.Request.ReportNodes {
		more = &extension{Nodes: nodesOf(all)}
	}
	return total, more
}

// nodesOf joins the nodes of all choices.
func nodesOf(all []*choice) []moe.NodeID {
	nodes := []moe.NodeID{}
	for _, c := range all {
		nodes = append(nodes, c.Nodes...)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}
