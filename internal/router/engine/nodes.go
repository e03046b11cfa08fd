package engine

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// beginNodes returns where a step collects the nodes of the request; nil if they
// are not wanted. A step that fails leaves no trace: the next one begins again.
func (f *activeRequest) beginNodes() *[]moe.NodeID {
	if !f.req.ReportNodes {
		return nil
	}
	f.stepNodes = f.stepNodes[:0]
	return &f.stepNodes
}

// commitNodes adds the nodes of a step, and returns a copy of them for its events; nil if
// they are not wanted. Events share f.nodes: an append changes nothing that they can see.
func (f *activeRequest) commitNodes() (step []moe.NodeID) {
	if !f.req.ReportNodes {
		return nil
	}
	for _, node := range f.stepNodes {
		if !slices.Contains(f.nodes, node) {
			f.nodes = append(f.nodes, node)
		}
	}
	return slices.Clone(f.stepNodes)
}
