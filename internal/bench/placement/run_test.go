package placement

import (
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

func TestOptionsThatComeToTheSameAreMeasuredOnce(t *testing.T) {
	on := func(nodes ...moe.NodeID) (out []moe.Replica) {
		for _, n := range nodes {
			out = append(out, moe.Replica{Node: n})
		}
		return out
	}
	plans := []plan{
		{policy: "column", copies: 1, replicas: [][]moe.Replica{on("a"), on("b")}}, {policy: "column", copies: 2, replicas: [][]moe.Replica{on("a", "b"), on("a", "b")}},
		{policy: "balanced", copies: 1, replicas: [][]moe.Replica{on("b"), on("b")}}, {policy: "balanced", copies: 2, replicas: [][]moe.Replica{on("a", "b"), on("a", "b")}},
	}
	if got := combine(plans, []int{1, 2}, 8); len(got) != 6 || got[4] != (option{&plans[2], 1}) {
		t.Errorf("%d options, want 6 of three plans: %+v", len(got), got)
	}
	if got := combine(plans, []int{1, 2, 4}, 1); len(got) != 3 {
		t.Errorf("%d options of one row, want 3", len(got))
	}
}
