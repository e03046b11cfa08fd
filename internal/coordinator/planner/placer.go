package planner

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// placer is a plan in the making. It names an expert by its Topology.Index and a
// node by its place in the natural order.
type placer struct {
	in      Input
	nodes   []Node // in natural order
	homes   []moe.NodeID
	fresh   bool      // no node is assigned anything
	copies  [][]int   // nodes that the plan gives an expert
	gets    []set     // per node: the same by node
	zone    []int     // per node: the number of its zone
	layerOf []int     // layer of an expert
	holders [][]int32 // nodes that are assigned an expert, ascending
	all     []int32   // nodes
	costs             // what copies cost
	demand            // how many copies are wanted
	// Per node and expert.
	assigned, resident []set
	// Per node: experts it gets, experts it gets or still holds, and room that is
	// kept for experts without any place.
	count, occupied, reserved []int
	layer                     [][]float64 // [layer][node], sum of costs
}

// set is a set of small numbers.
type set []uint64

func (s set) drop(i int)     { s[i/64] &^= 1 << (i % 64) }
func newSet(size int) set    { return make(set, (size+63)/64) }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func newPlacer(in Input) *placer {
	total := in.Topology.Experts()
	p := &placer{
		in: in, nodes: slices.Clone(in.Nodes), homes: slices.Clone(in.Homes), fresh: true,
		copies: make([][]int, total), layerOf: make([]int, total), holders: make([][]int32, total),
	}
	for i, id := range in.Topology.All() {
		p.layerOf[i] = id.Layer
	}
	slices.SortFunc(p.nodes, func(a, b Node) int { return Natural(a.ID, b.ID) })
	for i, n := range p.nodes {
		p.all = append(p.all, int32(i))
		p.gets = append(p.gets, newSet(total))
		if len(in.Homes) == 0 && n.Mode != Draining {
			p.homes = append(p.homes, n.ID)
		}
		p.assigned = append(p.assigned, p.setOf(n.Assigned, func(expert int) { p.holders[expert] = append(p.holders[expert], int32(i)) }))
		p.resident = append(p.resident, p.setOf(n.Resident, func(int) {}))
		p.occupied = append(p.occupied, len(n.Resident))
		p.fresh = p.fresh && len(n.Assigned) == 0
	}
	slices.SortFunc(p.homes, Natural)
	p.homes = slices.Compact(p.homes)
	numbers := map[string]int{}
	for _, n := range p.nodes {
		if _, known := numbers[n.Zone]; !known {
			numbers[n.Zone] = len(numbers)
		}
		p.zone = append(p.zone, numbers[n.Zone])
	}
	p.count, p.reserved = make([]int, len(p.nodes)), make([]int, len(p.nodes))
	for range in.Topology.Layers() {
		p.layer = append(p.layer, make([]float64, len(p.nodes)))
	}
	p.shares()
	p.demanded()
	p.weigh()
	return p
}

// setOf is a shard as a set of indices; each sees them too. A shard may be of
// another model: experts that the topology does not have are left out.
func (p *placer) setOf(s moe.Shard, each func(expert int)) set {
	out := newSet(len(p.copies))
	for _, id := range s {
		if i := p.in.Topology.Index(id); i >= 0 && !out.has(i) {
			out.add(i)
			each(i)
		}
	}
	return out
}

// bounds of the experts of a layer: first to end-1.
func (p *placer) bounds(layer int) (first, end int) {
	first = p.in.Topology.First(layer)
	return first, first + p.in.Topology.In(layer)
}

// give places a copy on a node. A copy that the node holds already occupies nothing
// more.
func (p *placer) give(node, expert int) {
	p.copies[expert] = append(p.copies[expert], node)
	p.gets[node].add(expert)
	p.count[node]++
	if !p.resident[node].has(expert) {
		p.occupied[node]++
	}
	p.layer[p.layerOf[expert]][node] += p.work(node, expert)
}

// take is the inverse of give.
func (p *placer) take(node, expert int) {
	p.copies[expert] = slices.DeleteFunc(p.copies[expert], func(n int) bool { return n == node })
	p.gets[node].drop(expert)
	p.count[node]--
	if !p.resident[node].has(expert) {
		p.occupied[node]--
	}
	p.layer[p.layerOf[expert]][node] -= p.work(node, expert)
}

func (p *placer) has(node, expert int) bool { return p.gets[node].has(expert) }

// room reports that an open node can take an expert: it may, does not have it,
// and neither the plan nor what it still holds exceeds its capacity.
func (p *placer) room(node, expert int) bool {
	n := &p.nodes[node]
	switch {
	case n.Mode != Schedulable || p.has(node, expert):
		return false
	case n.Capacity < 0:
		return true
	case p.count[node]+p.reserved[node] >= n.Capacity:
		return false
	default:
		return p.resident[node].has(expert) || p.occupied[node]+p.reserved[node] < n.Capacity
	}
}

// cost orders nodes for a layer: by what they carry in it, then by how many
// experts they hold at all.
func (p *placer) cost(layer, node int) float64 {
	return p.layer[layer][node] + float64(p.count[node]+p.reserved[node])*p.unit()
}

// unit is the cost of one expert more, beside loads whose mean is 1 per expert: a
// node that holds one expert more in every layer costs 1/4 more in each. So
// counts decide between nodes of nearly equal load, and load decides otherwise.
func (p *placer) unit() float64 { return 1 / float64(4*p.in.Topology.Layers()) }

// missing counts the copies that no node has room for, and lists the experts
// without any copy: rows for those stall.
func (p *placer) missing() (copies int, unplaced []moe.ExpertID) {
	for expert, nodes := range p.copies {
		copies += max(0, p.base-len(nodes))
		if len(nodes) == 0 {
			unplaced = append(unplaced, p.in.Topology.ID(expert))
		}
	}
	return copies, unplaced
}

// shards are what the plan gives the nodes, each in the order of the topology.
func (p *placer) shards() []moe.Shard {
	out := make([]moe.Shard, len(p.nodes))
	for i, n := range p.count {
		out[i] = make(moe.Shard, 0, n)
	}
	for expert, nodes := range p.copies {
		for _, node := range nodes {
			out[node] = append(out[node], p.in.Topology.ID(expert))
		}
	}
	return out
}

// open lists the nodes that may gain and lose experts.
func (p *placer) open() []int {
	var out []int
	for i := range p.nodes {
		if p.nodes[i].Mode == Schedulable {
			out = append(out, i)
		}
	}
	return out
}
