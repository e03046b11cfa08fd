package pipeline

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/model"
)

// spansWithNodes are the spans of a step if any of them wants to know its nodes,
// and nil otherwise.
func spansWithNodes(b *model.Batch) []model.Span {
	if slices.ContainsFunc(b.Spans, func(s model.Span) bool { return s.Nodes != nil }) {
		return b.Spans
	}
	return nil
}

// prepareNodes gives the routing of an expert call room for the nodes of its
// slots if a span wants them.
func (r *Runner) prepareNodes(b *microBatch) {
	b.Routing.Nodes = nil
	if r.spans == nil {
		return
	}
	b.nodes = slices.Grow(b.nodes[:0], len(b.Routing.Experts))[:len(b.Routing.Experts)]
	clear(b.nodes)
	b.Routing.Nodes = b.nodes
}

// addNodes adds the nodes that answered the last expert call to the spans that want
// them.
func (b *microBatch) addNodes(spans []model.Span) {
	first := 0
	for _, span := range spans {
		lo, hi := b.between(first, first+span.N)
		first += span.N
		if span.Nodes == nil || lo >= hi {
			continue
		}
		for _, node := range b.Routing.Nodes[lo*b.Routing.K : hi*b.Routing.K] {
			if node != "" && !slices.Contains(*span.Nodes, node) {
				*span.Nodes = append(*span.Nodes, node)
			}
		}
	}
}
