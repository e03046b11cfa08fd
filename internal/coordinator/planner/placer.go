package planner

import (
	"cmp"
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// placer is a plan in the making. It names an expert by its Topology.Index.
type placer struct {
	in      Input
	nodes   []Node // in natural order
	homes   []moe.NodeID
	weight  []float64 // of one copy; the mean of a layer is 1/replicas
	copies  [][]int   // nodes that hold an expert
	layerOf []int     // layer of an expert
	// Per node and expert.
	assigned, resident [][]bool
	// Per node: experts it gets, and experts it gets or still holds.
	count, occupied []int
	layer           [][]float64 // [layer][node], sum of weights
}

func newPlacer(in Input) *placer {
	total := in.Topology.Experts()
	p := &placer{in: in, nodes: slices.Clone(in.Nodes), homes: slices.Clone(in.Homes), copies: make([][]int, total), layerOf: make([]int, total)}
	for i, id := range in.Topology.All() {
		p.layerOf[i] = id.Layer
	}
	slices.SortFunc(p.nodes, func(a, b Node) int { return Natural(a.ID, b.ID) })
	for _, n := range p.nodes {
		if len(in.Homes) == 0 && n.Mode != Draining {
			p.homes = append(p.homes, n.ID)
		}
		p.assigned = append(p.assigned, p.flags(n.Assigned))
		p.resident = append(p.resident, p.flags(n.Resident))
		p.occupied = append(p.occupied, len(n.Resident))
	}
	slices.SortFunc(p.homes, Natural)
	p.homes = slices.Compact(p.homes)
	p.count = make([]int, len(p.nodes))
	for range in.Topology.Layers() {
		p.layer = append(p.layer, make([]float64, len(p.nodes)))
	}
	p.weigh()
	return p
}

// flags marks the experts of a shard, by Topology.Index. A shard may be of another
// model: experts that the topology does not have are left out.
func (p *placer) flags(s moe.Shard) []bool {
	out := make([]bool, len(p.copies))
	for _, id := range s {
		if i := p.in.Topology.Index(id); i >= 0 {
			out[i] = true
		}
	}
	return out
}

// bounds of the experts of a layer: first to end-1.
func (p *placer) bounds(layer int) (first, end int) {
	first = p.in.Topology.First(layer)
	return first, first + p.in.Topology.In(layer)
}

// minShare is the weight of an expert without rows, as a share of the mean: an
// expert without weight would be placed without regard to balance.
const minShare = 0.05

// weigh turns rows into weights, so that layers and replica counts compare:
//
//	weight(e) = max(minShare, rows(e) / mean rows of e's layer) / replicas
//
// Without measured load every expert of a layer has the mean.
func (p *placer) weigh() {
	p.weight = make([]float64, len(p.copies))
	for layer := range p.in.Topology.Layers() {
		sum := 0.0
		first, end := p.bounds(layer)
		if len(p.in.Load) == len(p.copies) {
			for _, rows := range p.in.Load[first:end] {
				sum += rows
			}
		}
		for i := first; i < end; i++ {
			share := 1.0
			if sum > 0 {
				share = max(minShare, p.in.Load[i]*float64(end-first)/sum)
			}
			p.weight[i] = share / float64(max(1, p.in.Replicas))
		}
	}
}

// give places a copy on a node. A copy that the node holds already occupies nothing
// more.
func (p *placer) give(node, expert int) {
	p.copies[expert] = append(p.copies[expert], node)
	p.count[node]++
	if !p.resident[node][expert] {
		p.occupied[node]++
	}
	p.layer[p.layerOf[expert]][node] += p.weight[expert]
}

// take is the inverse of give.
func (p *placer) take(node, expert int) {
	p.copies[expert] = slices.DeleteFunc(p.copies[expert], func(n int) bool { return n == node })
	p.count[node]--
	if !p.resident[node][expert] {
		p.occupied[node]--
	}
	p.layer[p.layerOf[expert]][node] -= p.weight[expert]
}

func (p *placer) has(node, expert int) bool { return slices.Contains(p.copies[expert], node) }

// room reports that an open node can take an expert: it may, does not have it,
// and neither the plan nor what it still holds exceeds its capacity.
func (p *placer) room(node, expert int) bool {
	n := p.nodes[node]
	switch {
	case n.Mode != Schedulable || p.has(node, expert):
		return false
	case n.Capacity < 0:
		return true
	case p.count[node] >= n.Capacity:
		return false
	default:
		return p.resident[node][expert] || p.occupied[node] < n.Capacity
	}
}

// cost orders nodes for a layer: by what they carry in it, then by how many
// experts they hold at all.
func (p *placer) cost(layer, node int) float64 {
	return p.layer[layer][node] + float64(p.count[node])*p.unit()
}

// unit is the cost of one expert more, beside loads whose mean is 1 per expert: a
// node that holds one expert more in every layer costs 1/4 more in each. So
// counts decide between nodes of nearly equal load, and load decides otherwise.
func (p *placer) unit() float64 { return 1 / float64(4*p.in.Topology.Layers()) }

// keepFixed gives pinned nodes what the target gives them. It runs first: a pinned
// node can neither load nor unload, so other nodes must fit around it.
func (p *placer) keepFixed() {
	for i, n := range p.nodes {
		for expert := range p.copies {
			if n.Mode == Pinned && p.assigned[i][expert] {
				p.give(i, expert)
			}
		}
	}
}

// sendHome gives the experts that lack copy number copyNo to their home: the node
// at position (e + copyNo) mod homes. A home that is absent or full is skipped, and
// keepPlaced and fill find another node.
func (p *placer) sendHome(copyNo int) {
	for expert := range p.copies {
		if len(p.copies[expert]) > copyNo || len(p.homes) == 0 {
			continue
		}
		home := p.homes[(p.in.Topology.ID(expert).Expert+copyNo)%len(p.homes)]
		node := slices.IndexFunc(p.nodes, func(n Node) bool { return n.ID == home })
		if node >= 0 && p.room(node, expert) {
			p.give(node, expert)
		}
	}
}

// keepPlaced leaves the experts that lack a copy where they are assigned. When
// several nodes are assigned one, the best of them keeps it.
func (p *placer) keepPlaced(copyNo int) {
	for expert := range p.copies {
		if len(p.copies[expert]) > copyNo {
			continue
		}
		if node := p.best(expert, func(node int) bool { return p.assigned[node][expert] }); node >= 0 {
			p.give(node, expert)
		}
	}
}

// fill finds a place for the experts that lack a copy, layer by layer, the
// heaviest first: light experts even out what the heavy ones left uneven.
func (p *placer) fill(copyNo int) {
	for layer := range p.in.Topology.Layers() {
		var todo []int
		first, end := p.bounds(layer)
		for expert := first; expert < end; expert++ {
			if len(p.copies[expert]) <= copyNo {
				todo = append(todo, expert)
			}
		}
		slices.SortStableFunc(todo, func(a, b int) int { return cmp.Compare(p.weight[b], p.weight[a]) })
		for _, expert := range todo {
			if node := p.best(expert, func(int) bool { return true }); node >= 0 {
				p.give(node, expert)
			}
		}
	}
}

// best is the node with room that suits and costs least: one that holds the
// expert already before one that would load it. -1 if there is none. Of equals
// a first copy goes to the first, a further one to the next after the first
// copy's, another one in each layer: so that what a dead node leaves is shared
// by many, not by the one that had the same experts.
func (p *placer) best(expert int, suits func(node int) bool) int {
	best, start := -1, 0
	if copies := p.copies[expert]; len(copies) > 0 {
		start = copies[0] + 1 + p.layerOf[expert]
	}
	for i := range p.nodes {
		node := (start + i) % len(p.nodes)
		if !p.room(node, expert) || !suits(node) {
			continue
		}
		if best < 0 || p.before(node, best, expert) {
			best = node
		}
	}
	return best
}

// residentDiscount is the factor on the cost of a node that holds the expert: a
// node that would load it must be 25 % cheaper to be preferred.
const residentDiscount = 0.75

// before reports that a is the better node for an expert, by the cost that each
// would have with it.
func (p *placer) before(a, b, expert int) bool {
	cost := func(node int) float64 {
		c := p.cost(p.layerOf[expert], node) + p.weight[expert]
		if p.resident[node][expert] {
			c *= residentDiscount
		}
		return c
	}
	return cost(a) < cost(b)
}

// keepLeaving leaves experts without any place where they are, and names the
// nodes.
func (p *placer) keepLeaving() []moe.NodeID {
	var stuck []moe.NodeID
	for node, n := range p.nodes {
		if n.Mode != Draining {
			continue
		}
		kept := false
		for expert := range p.copies {
			if len(p.copies[expert]) == 0 && (p.assigned[node][expert] || p.resident[node][expert]) {
				p.give(node, expert)
				kept = true
			}
		}
		if kept {
			stuck = append(stuck, n.ID)
		}
	}
	return stuck
}

// missing counts the copies that no node has room for, and lists the experts
// without any copy: rows for those stall.
func (p *placer) missing() (copies int, unplaced []moe.ExpertID) {
	for expert, nodes := range p.copies {
		copies += max(0, p.in.Replicas-len(nodes))
		if len(nodes) == 0 {
			unplaced = append(unplaced, p.in.Topology.ID(expert))
		}
	}
	return copies, unplaced
}

// shard is what the plan gives a node, in the order of the topology.
func (p *placer) shard(node int) moe.Shard {
	var ids []moe.ExpertID
	for expert, nodes := range p.copies {
		if slices.Contains(nodes, node) {
			ids = append(ids, p.in.Topology.ID(expert))
		}
	}
	return moe.NewShard(ids)
}
