package planner

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/moe"
)

func nodes(n int) []Node {
	var out []Node
	for i := range n {
		out = append(out, Node{ID: moe.NodeID(fmt.Sprintf("expert-%d", i)), Capacity: -1})
	}
	return out
}

func TestColumnPutsExpertEOnNodeE(t *testing.T) {
	plan := Compute(Input{Policy: Column, Layers: 32, Experts: 8, Replicas: 1, Nodes: nodes(8)})
	for e := range 8 {
		shard := plan.Shards[moe.NodeID(fmt.Sprintf("expert-%d", e))]
		if len(shard) != 32 {
			t.Errorf("node %d holds %d experts, want 32", e, len(shard))
		}
		for _, id := range shard {
			if id.Expert != e {
				t.Errorf("node %d holds %v", e, id)
			}
		}
	}
}

func TestColumnKeepsThePlaceOfANodeThatIsAway(t *testing.T) {
	in := Input{Policy: Column, Layers: 4, Experts: 8, Replicas: 1, Nodes: nodes(4)}
	before := Compute(in)
	in.Homes = []moe.NodeID{"expert-0", "expert-1", "expert-2", "expert-3"}
	in.Nodes = append(in.Nodes[:1:1], in.Nodes[2:]...)
	for i := range in.Nodes {
		in.Nodes[i].Resident = before.Shards[in.Nodes[i].ID]
	}
	after := Compute(in)
	for _, n := range in.Nodes {
		if gone := before.Shards[n.ID].Minus(after.Shards[n.ID]); len(gone) > 0 {
			t.Errorf("%s lost %v although it stayed", n.ID, gone)
		}
		if extra := len(after.Shards[n.ID]) - len(before.Shards[n.ID]); extra < 2 || extra > 4 {
			t.Errorf("%s took %d of the 8 experts, want a fair share", n.ID, extra)
		}
	}
}

func TestNaturalOrder(t *testing.T) {
	if Natural("expert-2", "expert-10") >= 0 || Natural("a-1", "b-0") >= 0 || Natural("x", "x") != 0 {
		t.Error("wrong order")
	}
}

func TestBalancedFollowsTheLoad(t *testing.T) {
	in := Input{Policy: Balanced, Layers: 1, Experts: 4, Replicas: 1, Nodes: nodes(2), Load: []uint64{100, 60, 50, 10}}
	plan := Compute(in)
	if got := fmt.Sprint(plan.Shards["expert-0"]); got != "[L0/E0 L0/E3]" {
		t.Errorf("node 0 holds %s, want the heaviest with the lightest", got)
	}
}

func TestPlansKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Input{
			Policy:   rapid.SampledFrom([]Policy{Column, Balanced}).Draw(t, "policy"),
			Layers:   rapid.IntRange(1, 5).Draw(t, "layers"),
			Experts:  rapid.IntRange(1, 9).Draw(t, "experts"),
			Replicas: rapid.IntRange(1, 4).Draw(t, "replicas"),
			Nodes:    nodes(rapid.IntRange(1, 6).Draw(t, "nodes")),
		}
		capacity := 0
		for i := range in.Nodes {
			in.Nodes[i].Capacity = rapid.IntRange(0, 40).Draw(t, "capacity")
			capacity += in.Nodes[i].Capacity
		}
		for range in.Layers * in.Experts {
			in.Load = append(in.Load, rapid.Uint64Range(0, 1000).Draw(t, "load"))
		}
		plan := Compute(in)
		copies := map[moe.ExpertID]int{}
		for _, n := range in.Nodes {
			if len(plan.Shards[n.ID]) > n.Capacity {
				t.Fatalf("%s holds %d of %d", n.ID, len(plan.Shards[n.ID]), n.Capacity)
			}
			for _, id := range plan.Shards[n.ID] {
				copies[id]++
			}
		}
		if want := min(capacity, in.Layers*in.Experts); len(copies) != want {
			t.Fatalf("%d experts placed, want %d", len(copies), want)
		}
		if len(plan.Unplaced) != in.Layers*in.Experts-len(copies) {
			t.Fatalf("%d unplaced are not reported", in.Layers*in.Experts-len(copies))
		}
		again := Compute(in)
		for id, shard := range plan.Shards {
			if fmt.Sprint(again.Shards[id]) != fmt.Sprint(shard) {
				t.Fatal("the same input gave another plan")
			}
		}
	})
}
