package planner

import (
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// Change is one difference between what nodes are assigned and a plan.
type Change struct {
	Expert moe.ExpertID
	// From gives the expert up, To gets it. Without From it is one more copy,
	// without To one less.
	From, To moe.NodeID
	Why      string
}

// Explain lists what a plan changes and why, in the order of the experts.
func Explain(in Input, plan Plan) []Change {
	e := explainer{in: in, plan: plan, before: Imbalance(in), after: Imbalance(Assign(in, plan))}
	p := newPlacer(in)
	gets := map[moe.ExpertID][]moe.NodeID{}
	for _, n := range p.nodes {
		for _, id := range plan.Shards[n.ID] {
			gets[id] = append(gets[id], n.ID)
		}
	}
	var out []Change
	for i, id := range in.Topology.All() {
		var has []Node
		for _, node := range p.holders[i] {
			has = append(has, p.nodes[node])
		}
		out = append(out, e.expert(id, has, gets[id])...)
	}
	return out
}

// explainer knows a plan and what it starts from.
type explainer struct {
	in            Input
	plan          Plan
	before, after []float64 // imbalance of the layers
}

// expert pairs the nodes that give an expert up with those that get it.
func (e explainer) expert(id moe.ExpertID, has []Node, gets []moe.NodeID) []Change {
	var from []Node
	for _, n := range has {
		if !slices.Contains(gets, n.ID) {
			from = append(from, n)
		}
	}
	to := slices.DeleteFunc(slices.Clone(gets), func(id moe.NodeID) bool {
		return slices.ContainsFunc(has, func(n Node) bool { return n.ID == id })
	})
	var out []Change
	for i := range max(len(from), len(to)) {
		c := Change{Expert: id}
		leaves := false
		if i < len(from) {
			c.From, leaves = from[i].ID, from[i].Mode == Draining
		}
		if i < len(to) {
			c.To = to[i]
		}
		c.Why = e.why(c, leaves, len(has))
		out = append(out, c)
	}
	return out
}

// why is the reason of a change of an expert with some copies, for people.
func (e explainer) why(c Change, leaves bool, copies int) string {
	switch {
	case c.To == "" && e.plan.Evicts > 0:
		return "makes room for experts that no node has"
	case leaves:
		return fmt.Sprintf("%s leaves", c.From)
	case c.To == "":
		return "other copies are enough"
	case copies == 0:
		return "no node has it"
	case c.From == "" && copies < e.in.Replicas:
		return fmt.Sprintf("%d of %d replicas", copies, e.in.Replicas)
	case c.From == "":
		return "busy: one more copy"
	case e.in.Policy == Column:
		return fmt.Sprintf("%s is the place of its column", c.To)
	default:
		return fmt.Sprintf("load of layer %d: the busiest node carries %.2f times the average, %.2f after", c.Expert.Layer, e.before[c.Expert.Layer], e.after[c.Expert.Layer])
	}
}
