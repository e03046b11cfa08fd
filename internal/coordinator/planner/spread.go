package planner

import (
	"cmp"
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
	layers := m.Layers
	if layers == nil {
		for layer := range p.in.Topology.Layers() {
			layers = append(layers, layer)
		}
	}
	layers = slices.Clone(layers)
	slices.SortStableFunc(layers, func(a, b int) int { return cmp.Compare(p.imbalance(b), p.imbalance(a)) })
	moved := 0
	for _, layer := range layers {
		for m.Max < 0 || moved < m.Max {
			s, ok := p.bestStep(layer, m, m.Max-moved)
			if !ok {
				break
			}
			p.take(s.from, s.expert)
			p.give(s.to, s.expert)
			if s.back >= 0 {
				p.take(s.to, s.back)
				p.give(s.from, s.back)
			}
			moved += s.moves()
		}
	}
	return moved
}

// bestStep relieves the busiest node of a layer, or, when all layers may
// change, the busiest that can be relieved. A step must gain more than Moves.Gain
// of the mean and more than half a unit: below that, it would only exchange two
// nodes that are equally busy.
func (p *placer) bestStep(layer int, m Moves, budget int) (step, bool) {
	open := p.open()
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(p.cost(layer, b), p.cost(layer, a)) })
	threshold := max(m.Gain*p.mean(layer), p.unit()/2)
	for i, from := range open {
		if i > 0 && m.Layers != nil {
			break
		}
		best := step{gain: threshold}
		found := false
		for _, to := range open[i+1:] {
			for _, s := range p.steps(layer, from, to, m.Layers != nil) {
				if s.gain > best.gain && (m.Max < 0 || s.moves() <= budget) {
					best, found = s, true
				}
			}
		}
		if found {
			return best, true
		}
	}
	return step{}, false
}

// steps lists what could go from a node to a less busy one, in exchange for
// something lighter if swaps are allowed.
func (p *placer) steps(layer, from, to int, swaps bool) []step {
	var out []step
	high, low := p.cost(layer, from), p.cost(layer, to)
	first, end := p.bounds(layer)
	for expert := first; expert < end; expert++ {
		if !p.has(from, expert) {
			continue
		}
		w := p.weight[expert]
		if p.room(to, expert) {
			out = append(out, step{from, to, expert, -1, high - max(high-w-p.unit(), low+w+p.unit())})
		}
		for back := first; swaps && back < end && p.roomForSwap(to, expert); back++ {
			if p.has(to, back) && p.roomForSwap(from, back) {
				d := w - p.weight[back]
				out = append(out, step{from, to, expert, back, high - max(high-d, low+d)})
			}
		}
	}
	return out
}

// roomForSwap is room on a node that gives an expert of its own away: the plan
// does not grow, but what leaves is still held for a while.
func (p *placer) roomForSwap(node, expert int) bool {
	n := p.nodes[node]
	return n.Mode == Schedulable && !p.has(node, expert) &&
		(n.Capacity < 0 || p.resident[node][expert] || p.occupied[node] < n.Capacity)
}

// open lists the nodes that may gain and lose experts.
func (p *placer) open() []int {
	var out []int
	for i, n := range p.nodes {
		if n.Mode == Schedulable {
			out = append(out, i)
		}
	}
	return out
}

// mean is what an open node carries of a layer on average.
func (p *placer) mean(layer int) float64 {
	sum, n := 0.0, 0
	for _, i := range p.open() {
		sum, n = sum+p.layer[layer][i], n+1
	}
	return sum / float64(max(1, n))
}

// imbalance is how much more than the average the busiest open node carries of
// a layer: 1 is even.
func (p *placer) imbalance(layer int) float64 {
	mean, busiest := p.mean(layer), 0.0
	for _, i := range p.open() {
		busiest = max(busiest, p.layer[layer][i])
	}
	if mean == 0 {
		return 1
	}
	return busiest / mean
}

// Imbalance is, per layer, how much more than the average the busiest open
// node carries when every node has what it is assigned: 1 is even.
func Imbalance(in Input) []float64 {
	p := newPlacer(in)
	for i := range p.nodes {
		for expert := range p.copies {
			if p.assigned[i][expert] {
				p.give(i, expert)
			}
		}
	}
	out := make([]float64, in.Topology.Layers())
	for layer := range out {
		out[layer] = p.imbalance(layer)
	}
	return out
}
