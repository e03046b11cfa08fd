package planner

import (
	"fmt"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

// BenchmarkCompute plans again what is already placed, as a leader does at every
// change, for Mixtral 8x7B on eight nodes and for a model sixty times as large.
func BenchmarkCompute(b *testing.B) {
	for _, shape := range []struct{ layers, experts, nodes int }{{32, 8, 8}, {61, 256, 32}} {
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
