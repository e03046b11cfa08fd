package planner

import (
	"cmp"
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// place gives every expert its copies: first copies of all before any second one.
// When evict is set, experts that find no place get room reserved, so that further
// copies of other experts give way, those with the lowest load first.
func (p *placer) place(evict bool) {
	for copyNo := range slices.Max(append(slices.Clone(p.want), p.base)) {
		if p.in.ended() {
			return
		}
		switch {
		case p.in.Policy == Column:
			p.sendHome(copyNo)
		case p.hasLayout():
			p.sendTo(copyNo)
		}
		p.keepPlaced(copyNo, evict && copyNo > 0)
		p.fill(copyNo)
		if evict && copyNo == 0 {
			p.reserve()
		}
	}
	if !p.hasLayout() {
		p.passOn()
	}
}

// lacks reports that an expert should get copy number copyNo and does not have it.
func (p *placer) lacks(expert, copyNo int) bool {
	return len(p.copies[expert]) <= copyNo && copyNo < p.want[expert]
}

// keepFixed gives pinned nodes what the target gives them. It runs first: a pinned
// node can neither load nor unload, so other nodes must fit around it.
func (p *placer) keepFixed() {
	for i, n := range p.nodes {
		if n.Mode != Pinned {
			continue
		}
		for expert := range p.copies {
			if p.assigned[i].has(expert) {
				p.give(i, expert)
			}
		}
	}
}

// sendHome gives the experts that lack copy number copyNo to their home: the node
// at position (e + copyNo) mod homes. A home that is absent or full is skipped, and
// keepPlaced and fill find another node.
func (p *placer) sendHome(copyNo int) {
	at := map[moe.NodeID]int{}
	for i, n := range p.nodes {
		at[n.ID] = i
	}
	for expert := range p.copies {
		if !p.lacks(expert, copyNo) || len(p.homes) == 0 {
			continue
		}
		home := p.homes[(p.in.Topology.ID(expert).Expert+copyNo)%len(p.homes)]
		if node, here := at[home]; here && p.room(node, expert) {
			p.give(node, expert)
		}
	}
}

// sendTo gives the experts that lack copy number copyNo to the node that EPLB chose.
func (p *placer) sendTo(copyNo int) {
	for expert, nodes := range p.layout {
		if p.lacks(expert, copyNo) && p.room(nodes[copyNo], expert) {
			p.give(nodes[copyNo], expert)
		}
	}
}

// keepPlaced leaves the experts that lack a copy where they are assigned. When
// several nodes are assigned one, the best of them keeps it.
func (p *placer) keepPlaced(copyNo int, hottestFirst bool) {
	keep := func(expert int) {
		if !p.lacks(expert, copyNo) {
			return
		}
		if node := p.best(expert, p.holders[expert]); node >= 0 {
			p.give(node, expert)
		}
	}
	if hottestFirst {
		for _, expert := range p.hottest(0, len(p.copies)) {
			keep(expert)
		}
		return
	}
	for expert := range p.copies {
		keep(expert)
	}
}

// fill finds a place for the experts that lack a copy, layer by layer, the
// heaviest first: light experts even out what the heavy ones left uneven.
func (p *placer) fill(copyNo int) {
	for layer := range p.in.Topology.Layers() {
		var todo []int
		first, end := p.bounds(layer)
		for expert := first; expert < end; expert++ {
			if p.lacks(expert, copyNo) {
				todo = append(todo, expert)
			}
		}
		if p.in.ended() {
			return
		}
		slices.SortStableFunc(todo, func(a, b int) int { return cmp.Compare(p.weight[b], p.weight[a]) })
		for _, expert := range todo {
			if node := p.best(expert, p.all); node >= 0 {
				p.give(node, expert)
			}
		}
	}
}

// best is the node of some, which ascend, with room that costs least: one in a
// zone without a copy before any other, and one that holds the expert already
// before one that would load it. -1 if there is none. Of equals a first copy goes
// to the first, a further one to the next after the first copy's, another one in
// each layer: so that what a dead node leaves is shared by many, not by the one
// that had the same experts.
func (p *placer) best(expert int, some []int32) int {
	best, start := candidate{node: -1}, 0
	if copies := p.copies[expert]; len(copies) > 0 {
		start = (copies[0] + 1 + p.layerOf[expert]) % max(1, len(p.nodes))
	}
	from, _ := slices.BinarySearch(some, int32(start))
	for i := range some {
		node := int(some[(from+i)%len(some)])
		if !p.room(node, expert) {
			continue
		}
		if c := (candidate{node, p.newZone(node, expert), p.costWith(node, expert)}); best.node < 0 || c.before(best) {
			best = c
		}
	}
	return best.node
}

// candidate is a node that could take an expert, and the cost that it would have.
type candidate struct {
	node    int
	newZone bool
	cost    float64
}

func (c candidate) before(other candidate) bool {
	if c.newZone != other.newZone {
		return c.newZone
	}
	return c.cost < other.cost
}

// residentDiscount is the factor on the cost of a node that holds the expert: a
// node that would load it must be 25 % cheaper to be preferred.
const residentDiscount = 0.75

func (p *placer) costWith(node, expert int) float64 {
	c := p.cost(p.layerOf[expert], node) + p.work(node, expert)
	if p.resident[node].has(expert) {
		c *= residentDiscount
	}
	return c
}

// newZone reports that no copy of an expert is in the zone of a node.
func (p *placer) newZone(node, expert int) bool {
	for _, n := range p.copies[expert] {
		if p.zone[n] == p.zone[node] {
			return false
		}
	}
	return true
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
			if len(p.copies[expert]) == 0 && (p.assigned[node].has(expert) || p.resident[node].has(expert)) {
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

// reserve keeps room for the experts without a place, on nodes that have it once
// they hold first copies only. The reservation does not depend on what the
// nodes have dropped already, so that the next plan makes the same one.
func (p *placer) reserve() {
	for expert, nodes := range p.copies {
		if len(nodes) > 0 || p.drainingHas(expert) {
			continue
		}
		best := -1
		for i, n := range p.nodes {
			free := n.Mode == Schedulable && p.count[i]+p.reserved[i] < n.Capacity
			if free && (best < 0 || p.cost(p.layerOf[expert], i) < p.cost(p.layerOf[expert], best)) {
				best = i
			}
		}
		if best >= 0 {
			p.reserved[best]++
		}
	}
}

// drainingHas reports that a leaving node holds an expert: its rows do not stall.
func (p *placer) drainingHas(expert int) bool {
	for i, n := range p.nodes {
		if n.Mode == Draining && (p.resident[i].has(expert) || p.assigned[i].has(expert)) {
			return true
		}
	}
	return false
}

// reservations counts the experts that room is reserved for.
func (p *placer) reservations() int {
	sum := 0
	for _, n := range p.reserved {
		sum += n
	}
	return sum
}
