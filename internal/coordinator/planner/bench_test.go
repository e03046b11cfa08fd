package planner

import (
	"fmt"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

// BenchmarkCompute plans again what is already placed, as a leader does at every
// change, for Mixtral 8x7B on eight nodes, for a model sixty times as large, and
// for a thousand nodes.
func BenchmarkCompute(b *testing.B) {
	for _, shape := range []struct{ layers, experts, nodes int }{{32, 8, 8}, {61, 256, 32}, {32, 8, 1000}, {24, 256, 1000}} {
		for _, policy := range []Policy{Column, Balanced} {
			b.Run(fmt.Sprintf("%dx%d on %d/%s", shape.layers, shape.experts, shape.nodes, policy), func(b *testing.B) {
				in := Input{Policy: policy, Topology: moe.Uniform(shape.layers, shape.experts), Replicas: 2, Nodes: nodes(shape.nodes)}
				in = settle(in, Compute(in))
				b.ReportAllocs()
				for b.Loop() {
					Compute(in)
				}
			})
		}
	}
}

// BenchmarkThousandNodes plans for a thousand unequal nodes in ten zones with
// measured load: the first plan, one after a node joined, one after ten died
// together, and one for load that has turned.
func BenchmarkThousandNodes(b *testing.B) {
	for _, experts := range []int{8, 256} {
		layers := map[int]int{8: 32, 256: 24}[experts]
		first := Input{Policy: Balanced, Topology: moe.Uniform(layers, experts), Replicas: 2, Redundant: 4, Nodes: nodes(1000), StepRows: 64}
		first.Load = newDice(1).load(first.Topology)
		for i := range first.Nodes {
			first.Nodes[i].Zone, first.Nodes[i].Capacity = fmt.Sprint(i%10), 4+experts/8+i%7
			first.Nodes[i].Speed = Speed{Expert: 1e-3 * float64(1+i%3), Row: 1e-5 * float64(1+i%2)}
		}
		settled := settle(first, Compute(first))
		joined, dead, turned := settled, settled, settled
		joined.Nodes, joined.Moves = append(settled.Nodes[:999:999], Node{ID: "new", Joined: true, Capacity: 30}), Moves{Max: -1}
		dead.Nodes = settled.Nodes[10:]
		turned.Load, turned.Moves = newDice(2).load(first.Topology), Moves{Max: 768, Gain: 0.1}
		for layer := range layers {
			turned.Moves.Layers = append(turned.Moves.Layers, layer)
		}
		for _, c := range []struct {
			name string
			in   Input
		}{{"first", first}, {"joined", joined}, {"dead", dead}, {"turned", turned}} {
			b.Run(fmt.Sprintf("%dx%d/%s", layers, experts, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Compute(c.in)
				}
			})
		}
	}
}
