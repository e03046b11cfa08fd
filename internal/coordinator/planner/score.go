package planner

import "github.com/hachi-serve/hachi/moe"

// LayerScore is what one layer costs when every node has what it is assigned.
type LayerScore struct {
	// Imbalance is how much more than the average the busiest open node carries: 1
	// is even.
	Imbalance float64
	// Seconds are those of the busiest node in a step, by the formula of costs; 0
	// when speeds or the rows of a step are not known.
	Seconds float64
	// Busiest is the node that carries the most; empty when none carries anything.
	Busiest moe.NodeID
}

// Score judges what the nodes are assigned, layer by layer.
func Score(in Input) []LayerScore {
	p := newPlacer(in)
	p.assume()
	out := make([]LayerScore, in.Topology.Layers())
	for layer := range out {
		s, most := LayerScore{Imbalance: p.imbalance(layer)}, 0.0
		for i, carried := range p.layer[layer] {
			if carried > most {
				s.Busiest, most = p.nodes[i].ID, carried
			}
		}
		s.Seconds = most * p.seconds[layer]
		out[layer] = s
	}
	return out
}

// StepSeconds is the time of the experts in a step: layers run one after another.
func StepSeconds(layers []LayerScore) float64 {
	sum := 0.0
	for _, l := range layers {
		sum += l.Seconds
	}
	return sum
}

// Imbalance is, per layer, how much more than the average the busiest open
// node carries when every node has what it is assigned: 1 is even.
func Imbalance(in Input) []float64 {
	var out []float64
	for _, l := range Score(in) {
		out = append(out, l.Imbalance)
	}
	return out
}

// assume gives every node what it is assigned. The copies of an expert share its
// rows alike.
func (p *placer) assume() {
	for e, holders := range p.holders {
		p.want[e] = max(1, len(holders))
	}
	p.weigh()
	for e, holders := range p.holders {
		for _, node := range holders {
			p.give(int(node), e)
		}
	}
}
