package dispatch

import (
	"testing"
	"testing/synctest"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
)

// TestRoutingNamesTheNodeThatComputedEachSlot: expert 0 lives on a, expert 1 on b
// and, when b is dead, on c. A node that gave no rows is not named.
func TestRoutingNamesTheNodeThatComputedEachSlot(t *testing.T) {
	on := func(nodes ...moe.NodeID) (list []moe.Replica) {
		for _, n := range nodes {
			list = append(list, moe.Replica{Node: n})
		}
		return list
	}
	p, err := moe.NewPlacement(1, "f", moe.Uniform(1, 2), [][]moe.Replica{on("a"), on("b", "c")})
	if err != nil {
		t.Fatal(err)
	}
	for _, dead := range []moe.NodeID{"", "b", "c"} {
		synctest.Test(t, func(t *testing.T) {
			net := faulty.Wrap(node{}, func(n moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
				return faulty.Fault{Failing: n == dead, Fail: moe.Unreachable}
			})
			d := New(Config{Transport: net, Fingerprint: "f", Wire: tensor.BF16, Hidden: hidden, Topology: moe.Uniform(1, 2)})
			d.Adopt(p)
			r := moe.Routing{K: 1, Experts: []int32{1, 0, 1}, Weights: []float32{1, 1, 1}, Nodes: make([]moe.NodeID, 3)}
			h, x := tensor.NewMatrix(3, hidden), tensor.NewMatrix(3, hidden)
			if err := d.Forward(t.Context(), 0, h, r, x); err != nil {
				t.Fatal(err)
			}
			if r.Nodes[1] != "a" || r.Nodes[0] != r.Nodes[2] || r.Nodes[0] == dead || r.Nodes[0] != "b" && r.Nodes[0] != "c" {
				t.Errorf("with %q dead the nodes are %q", dead, r.Nodes)
			}
		})
	}
}
