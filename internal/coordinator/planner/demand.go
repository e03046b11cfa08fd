package planner

import (
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/coordinator/eplb"
)

// demand is how many copies a plan wants.
type demand struct {
	base int   // copies that every expert should have
	want []int // per expert
	// layout is the nodes of every expert that EPLB chose; nil if it did not.
	layout  [][]int
	notEPLB string
}

// demanded decides how many copies each expert gets. A layer has
//
//	slots = experts * Replicas + Redundant.
//
// Every expert gets base copies. Of the other slots, copies that are assigned keep
// theirs, because moving a copy costs more than a small difference in load; what is
// left goes, one after another, to the expert with the highest load per copy. A
// layer that may be rebalanced gives all of them again.
func (p *placer) demanded() {
	p.base, p.want = p.in.Replicas, make([]int, len(p.copies))
	if p.in.Policy == EPLB {
		p.base = min(1, p.in.Replicas)
		if p.layOut(); p.layout != nil {
			return
		}
	}
	nodes := 0
	for _, n := range p.nodes {
		if n.Mode != Draining && n.Capacity != 0 {
			nodes++
		}
	}
	for layer := range p.in.Topology.Layers() {
		first, end := p.bounds(layer)
		spare := (end-first)*(p.in.Replicas-p.base) + p.in.Redundant
		if first == end || p.in.Policy == Column || (p.in.Policy == Balanced && len(p.in.Load) == 0 && p.fresh) {
			spare = 0
		}
		p.replicate(layer, spare, nodes)
	}
}

// replicate decides for one layer. No expert gets more copies than there are nodes,
// except for its base.
func (p *placer) replicate(layer, spare, nodes int) {
	first, end := p.bounds(layer)
	for e := first; e < end; e++ {
		p.want[e] = p.base
	}
	if !p.reopens(layer) {
		spare = p.keepSpare(layer, spare)
	}
	if p.in.Policy == Balanced && len(p.in.Load) == 0 {
		return // no expert is known to need more copies
	}
	for ; spare > 0; spare-- {
		hottest := -1
		for e := first; e < end; e++ {
			if p.want[e] < nodes && (hottest < 0 || p.perCopy(e) > p.perCopy(hottest)) {
				hottest = e
			}
		}
		if hottest < 0 {
			return
		}
		p.want[hottest]++
	}
}

// passOn gives copies beyond the base that found no place to the experts with the
// highest load per copy that have room for one more.
func (p *placer) passOn() {
	for layer := range p.in.Topology.Layers() {
		first, end := p.bounds(layer)
		spare, full := 0, map[int]bool{}
		for e := first; e < end; e++ {
			if have := max(p.base, len(p.copies[e])); have < p.want[e] {
				spare += p.want[e] - have
				p.rewant(e, have)
				full[e] = true
			}
		}
		for spare > 0 {
			hottest := -1
			for e := first; e < end; e++ {
				if !full[e] && len(p.copies[e]) == p.want[e] && (hottest < 0 || p.perCopy(e) > p.perCopy(hottest)) {
					hottest = e
				}
			}
			if hottest < 0 {
				break
			}
			node := p.best(hottest, p.all)
			if full[hottest] = node < 0; node >= 0 {
				p.rewant(hottest, p.want[hottest]+1)
				p.give(node, hottest)
				spare--
			}
		}
	}
}

// rewant changes how many copies of an expert are wanted, and with that what each
// of them costs.
func (p *placer) rewant(e, want int) {
	nodes := slices.Clone(p.copies[e])
	for _, node := range nodes {
		p.take(node, e)
	}
	p.want[e] = want
	p.weighCopy(e)
	for _, node := range nodes {
		p.give(node, e)
	}
}

func (p *placer) perCopy(e int) float64 { return p.share[e] / float64(max(1, p.want[e])) }

// reopens reports that a layer's spare copies are given without regard to where they
// are.
func (p *placer) reopens(layer int) bool {
	return p.fresh || (p.in.Moves.Max != 0 && slices.Contains(p.in.Moves.Layers, layer))
}

// keepSpare wants as many copies of an expert as are assigned, while spare ones
// are left, the experts with the highest load first. It returns what is left.
func (p *placer) keepSpare(layer, spare int) int {
	first, end := p.bounds(layer)
	order := p.hottest(first, end)
	for _, e := range order {
		have := 0
		for _, node := range p.holders[e] {
			if p.nodes[node].Mode != Draining {
				have++
			}
		}
		more := max(0, min(have-p.want[e], spare))
		p.want[e] += more
		spare -= more
	}
	return spare
}

// hottest orders the experts first to end-1 by load, the highest first.
func (p *placer) hottest(first, end int) []int {
	order := make([]int, 0, end-first)
	for e := first; e < end; e++ {
		order = append(order, e)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p.share[a] > p.share[b]:
			return -1
		case p.share[a] < p.share[b]:
			return 1
		}
		return 0
	})
	return order
}

func (p *placer) hasLayout() bool { return p.layout != nil }

// layOut asks EPLB for a layout of all layers, if the plan is for a cluster without
// one, or may move copies. It says where EPLB does not apply. A model without
// expert groups, as those that hachi serves, has the global form of EPLB.
func (p *placer) layOut() {
	gpus, why := p.equalNodes()
	if p.notEPLB = why; why != "" {
		return
	}
	layout := make([][]int, len(p.copies))
	for layer := range p.in.Topology.Layers() {
		first, end := p.bounds(layer)
		if first == end {
			continue
		}
		shape := eplb.Shape{Slots: (end-first)*p.in.Replicas + p.in.Redundant, Groups: 1, Nodes: 1, GPUs: len(gpus)}
		if err := shape.Check(end - first); err != nil {
			p.notEPLB = fmt.Sprintf("layer %d: %v", layer, err)
			return
		}
		if !p.fresh && p.in.Moves.Max == 0 {
			continue
		}
		slots, err := eplb.Rebalance(p.share[first:end], shape)
		if err != nil {
			p.notEPLB = err.Error()
			return
		}
		for slot, e := range slots {
			node := gpus[slot*len(gpus)/len(slots)]
			if !slices.Contains(layout[first+e], node) { // two copies on one node are one
				layout[first+e] = append(layout[first+e], node)
			}
		}
	}
	if !p.fresh && p.in.Moves.Max == 0 {
		return
	}
	p.layout = layout
	for e, nodes := range layout {
		p.want[e] = len(nodes)
	}
}

// equalNodes lists the nodes that EPLB places experts on, or says why it cannot.
func (p *placer) equalNodes() (nodes []int, why string) {
	for i, n := range p.nodes {
		switch {
		case n.Mode == Draining:
			continue
		case n.Mode == Pinned:
			return nil, fmt.Sprintf("%s is missing for a moment", n.ID)
		case len(nodes) > 0 && n.Capacity != p.nodes[nodes[0]].Capacity:
			return nil, fmt.Sprintf("%s has room for %d experts and %s for %d, expected equal nodes", p.nodes[nodes[0]].ID, p.nodes[nodes[0]].Capacity, n.ID, n.Capacity)
		}
		nodes = append(nodes, i)
	}
	if len(nodes) == 0 {
		return nil, "no node can take experts"
	}
	return nodes, ""
}
