package planner

import (
	"cmp"
	"math/bits"
	"slices"
)

// step moves an expert from the busier node to the other, and perhaps one back.
// Its gain is by how much it lowers the cost of the busier of the two nodes:
//
//	gain = cost(from) - max(cost(from) after, cost(to) after)
//
// A step that makes the other node as busy as the first was gains nothing.
type step struct {
	from, to     int
	expert, back int // back is -1 when nothing comes back
	gain         float64
}

// moves counts the copies that a node must load for the step.
func (s step) moves() int {
	if s.back >= 0 {
		return 2
	}
	return 1
}

// spread evens the load out by moving copies that have a place, the worst
// layer first, and reports how many it moved. Every step lowers the larger cost
// of two nodes by more than a fixed amount, so spread ends without a bound on
// moves too.
func (p *placer) spread(m Moves) int {
	if m.Max == 0 {
		return 0
	}
	layers := m.Layers
	if layers == nil {
		for layer := range p.in.Topology.Layers() {
			layers = append(layers, layer)
		}
	}
	layers = slices.Clone(layers)
	worst := make([]float64, p.in.Topology.Layers())
	for _, layer := range layers {
		worst[layer] = p.imbalance(layer)
	}
	slices.SortStableFunc(layers, func(a, b int) int { return cmp.Compare(worst[b], worst[a]) })
	moved := 0
	for _, layer := range layers {
		for (m.Max < 0 || moved < m.Max) && !p.in.ended() {
			s, ok := p.bestStep(layer, m, m.Max-moved)
			if !ok {
				break
			}
			p.apply(s)
			moved += s.moves()
		}
	}
	return moved
}

func (p *placer) apply(s step) {
	p.take(s.from, s.expert)
	p.give(s.to, s.expert)
	if s.back >= 0 {
		p.take(s.to, s.back)
		p.give(s.from, s.back)
	}
}

// bestStep relieves the busiest node of a layer, or, when all layers may
// change, the busiest that can be relieved. A step must gain more than what Moves
// asks, and more than half a unit: below that, it would only exchange two nodes
// that are equally busy.
//
// The gain of a step is at most (cost(from) - cost(to)) / (1 + r), where r is the
// cost of a copy at the other node as a multiple of that at the first. Pairs of
// nodes that cannot beat the best step so far are passed over.
func (p *placer) bestStep(layer int, m Moves, budget int) (step, bool) {
	open := p.open()
	costs := make([]float64, len(p.nodes))
	for _, node := range open {
		costs[node] = p.cost(layer, node)
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(costs[b], costs[a]) })
	threshold := p.threshold(layer, m)
	takers := p.takers(open, m)
	if len(takers) == 0 {
		return step{}, false
	}
	for i, from := range open {
		if i > 0 && m.Layers != nil {
			break
		}
		best := step{gain: threshold}
		found := false
		mine := p.heldBy(layer, from)
		for _, to := range takers {
			if to == from || (costs[from]-costs[to])/(1+p.slower(to, from)) <= best.gain {
				continue
			}
			p.steps(layer, from, to, mine, m.Layers != nil, func(s step) {
				if s.gain > best.gain && (m.Max < 0 || s.moves() <= budget) && p.pays(layer, m, s) {
					best, found = s, true
				}
			})
		}
		if found {
			return best, true
		}
		if costs[from]-costs[open[len(open)-1]] <= threshold {
			break // the nodes that follow are less busy still
		}
	}
	return step{}, false
}

// takers are the nodes that may relieve others, in order: those that joined and
// have room, unless layers are named.
func (p *placer) takers(open []int, m Moves) []int {
	if m.Layers != nil {
		return open
	}
	return slices.DeleteFunc(slices.Clone(open), func(node int) bool {
		n := &p.nodes[node]
		return !n.Joined || (n.Capacity >= 0 && p.count[node]+p.reserved[node] >= n.Capacity)
	})
}

// threshold is what a step must gain at least, in units.
func (p *placer) threshold(layer int, m Moves) float64 {
	return max(m.Gain*p.mean(layer), p.unit()/2)
}

// pays reports that a step saves more seconds than the nodes need to load what it
// moves.
func (p *placer) pays(layer int, m Moves, s step) bool {
	if m.StepsPerSecond <= 0 || p.seconds[layer] <= 0 {
		return true
	}
	return s.gain*p.seconds[layer]*m.StepsPerSecond*m.Horizon >= m.LoadSeconds*float64(s.moves())
}

// slower is the least that a copy costs a node, as a multiple of its cost at
// another.
func (p *placer) slower(node, other int) float64 {
	return min(ratio(p.fixed[node], p.fixed[other]), ratio(p.perRow[node], p.perRow[other]))
}

// heldBy lists the experts of a layer that the plan gives a node.
func (p *placer) heldBy(layer, node int) []int {
	var out []int
	first, end := p.bounds(layer)
	for i := first / 64; 64*i < end; i++ {
		for word := p.gets[node][i]; word != 0; word &= word - 1 {
			if expert := 64*i + bits.TrailingZeros64(word); expert >= first && expert < end {
				out = append(out, expert)
			}
		}
	}
	return out
}

// steps yields what could go from a node to a less busy one, in exchange for
// something lighter if swaps are allowed. mine is what the node has. However few
// experts the other node holds in all, it does not get to carry more of the layer
// than the first one does.
func (p *placer) steps(layer, from, to int, mine []int, swaps bool, yield func(step)) {
	high, low := p.cost(layer, from), p.cost(layer, to)
	var theirs []int
	if swaps {
		theirs = p.heldBy(layer, to)
	}
	for _, expert := range mine {
		if !p.zonesAllow(from, to, expert) {
			continue
		}
		out, in := p.work(from, expert), p.work(to, expert)
		if p.room(to, expert) && p.layer[layer][to]+in <= p.layer[layer][from]+p.unit()/2 {
			yield(step{from, to, expert, -1, high - max(high-out-p.unit(), low+in+p.unit())})
		}
		if !swaps || !p.roomForSwap(to, expert) {
			continue
		}
		for _, back := range theirs {
			if p.roomForSwap(from, back) && p.zonesAllow(to, from, back) {
				yield(step{from, to, expert, back, high - max(high-(out-p.work(from, back)), low+(in-p.work(to, back)))})
			}
		}
	}
}

// roomForSwap is room on a node that gives an expert up at the same time. While
// they load, the nodes still hold both.
func (p *placer) roomForSwap(node, expert int) bool {
	n := &p.nodes[node]
	return n.Mode == Schedulable && !p.has(node, expert) &&
		(n.Capacity < 0 || p.resident[node].has(expert) || p.occupied[node]+p.reserved[node] < n.Capacity)
}

// zonesAllow reports that a move leaves the copies of an expert in as many zones as
// before.
func (p *placer) zonesAllow(from, to, expert int) bool {
	zone, other := p.zone[to], p.zone[from]
	if zone == other {
		return true
	}
	taken := false
	for _, n := range p.copies[expert] {
		if n == from {
			continue
		}
		if p.zone[n] == other {
			return true // the zone that is left keeps a copy
		}
		taken = taken || p.zone[n] == zone
	}
	return !taken
}

// mean is what an open node carries of a layer on average.
func (p *placer) mean(layer int) float64 {
	sum, n := 0.0, 0
	for i, carried := range p.layer[layer] {
		if p.nodes[i].Mode == Schedulable {
			sum, n = sum+carried, n+1
		}
	}
	return sum / float64(max(1, n))
}

// imbalance is how much more than the average the busiest open node carries of
// a layer: 1 is even.
func (p *placer) imbalance(layer int) float64 {
	mean, busiest := p.mean(layer), 0.0
	for i, carried := range p.layer[layer] {
		if p.nodes[i].Mode == Schedulable {
			busiest = max(busiest, carried)
		}
	}
	if mean == 0 {
		return 1
	}
	return busiest / mean
}
