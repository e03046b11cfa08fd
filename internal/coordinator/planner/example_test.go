package planner_test

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

// Eight experts of one layer on three nodes, in columns.
func ExampleCompute() {
	plan := planner.Compute(planner.Input{
		Policy: planner.Column, Topology: moe.Uniform(1, 8), Replicas: 1,
		Nodes: []planner.Node{{ID: "a", Capacity: -1}, {ID: "b", Capacity: -1}, {ID: "c", Capacity: -1}},
	})
	for _, id := range []moe.NodeID{"a", "b", "c"} {
		fmt.Println(id, plan.Shards[id])
	}
	// Output:
	// a [L0/E0 L0/E3 L0/E6]
	// b [L0/E1 L0/E4 L0/E7]
	// c [L0/E2 L0/E5]
}
