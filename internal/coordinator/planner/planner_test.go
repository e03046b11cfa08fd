package planner

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/moe"
)

func name(i int) moe.NodeID { return moe.NodeID(fmt.Sprintf("expert-%d", i)) }

func nodes(n int) []Node {
	var out []Node
	for i := range n {
		out = append(out, Node{ID: name(i), Capacity: -1})
	}
	return out
}

// settle makes a plan the nodes' state: assigned and resident.
func settle(in Input, plan Plan) Input {
	in.Nodes = slices.Clone(in.Nodes)
	for i, n := range in.Nodes {
		in.Nodes[i].Assigned, in.Nodes[i].Resident = plan.Shards[n.ID], plan.Shards[n.ID]
	}
	return in
}

// moved counts the copies that a node has in one plan and not in the other.
func moved(before, after Plan) int {
	n := 0
	for id, shard := range after.Shards {
		n += len(shard.Minus(before.Shards[id]))
	}
	return n
}

func TestColumnPutsExpertEOnNodeE(t *testing.T) {
	plan := Compute(Input{Policy: Column, Topology: moe.Uniform(32, 8), Replicas: 1, Nodes: nodes(8)})
	for e := range 8 {
		shard := plan.Shards[name(e)]
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
	all := Input{Policy: Column, Topology: moe.Uniform(4, 8), Replicas: 1, Nodes: nodes(4)}
	before := Compute(all)
	in := settle(all, before)
	in.Homes = []moe.NodeID{name(0), name(1), name(2), name(3)}
	in.Nodes = slices.Delete(in.Nodes, 1, 2)
	after := Compute(in)
	for _, n := range in.Nodes {
		if gone := before.Shards[n.ID].Minus(after.Shards[n.ID]); len(gone) > 0 {
			t.Errorf("%s lost %v although it stayed", n.ID, gone)
		}
		if extra := len(after.Shards[n.ID]) - len(before.Shards[n.ID]); extra < 2 || extra > 4 {
			t.Errorf("%s took %d of the 8 experts, want a fair share", n.ID, extra)
		}
	}
	if shard, ok := after.Shards[name(1)]; !ok || len(shard) > 0 {
		t.Errorf("the home that is away has %v, %v, want an empty entry", shard, ok)
	}
	back := settle(in, after)
	back.Nodes = append(back.Nodes, Node{ID: name(1), Capacity: -1})
	if home := Compute(back); moved(before, home) != 0 {
		t.Errorf("after the return the plan is %v, want the first one", home.Shards)
	}
}

func TestFixedNodesKeepAndGainNothing(t *testing.T) {
	for _, policy := range []Policy{Column, Balanced} {
		in := Input{Policy: policy, Topology: moe.Uniform(2, 4), Replicas: 1, Nodes: nodes(2)}
		before := Compute(in)
		in = settle(in, before)
		in.Nodes[0].Mode, in.Nodes[1].Mode = Pinned, Draining
		in.Nodes = append(in.Nodes, Node{ID: name(2), Capacity: -1})
		in.Moves.Max = -1
		after := Compute(in)
		if !slices.Equal(after.Shards[name(0)], before.Shards[name(0)]) {
			t.Errorf("%s: the fixed node has %v, want %v", policy, after.Shards[name(0)], before.Shards[name(0)])
		}
		if !slices.Equal(after.Shards[name(2)], before.Shards[name(1)]) {
			t.Errorf("%s: the new node has %v, want %v", policy, after.Shards[name(2)], before.Shards[name(1)])
		}
	}
}

func TestLeavingNodesKeepWhatHasNoOtherPlace(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 1, Nodes: nodes(2)}
	in = settle(in, Compute(in))
	in.Nodes[0].Mode, in.Nodes[1].Capacity = Draining, 3
	plan := Compute(in)
	if len(plan.Shards[name(0)]) != 1 || len(plan.Shards[name(1)]) != 3 || !slices.Equal(plan.Stuck, []moe.NodeID{name(0)}) {
		t.Errorf("plan %+v, want three experts moved and one kept", plan)
	}
}

func TestNothingIsLoadedWhereOldExpertsTakeTheRoom(t *testing.T) {
	in := Input{Policy: Column, Topology: moe.Uniform(1, 2), Replicas: 1, Nodes: nodes(2)}
	for i := range in.Nodes { // each holds what the other should, and no more fits
		in.Nodes[i].Capacity = 1
		in.Nodes[i].Assigned = moe.Shard{{Expert: 1 - i}}
		in.Nodes[i].Resident = moe.Shard{{Expert: 1 - i}}
	}
	plan := Compute(in)
	if moved(Plan{Shards: map[moe.NodeID]moe.Shard{name(0): {{Expert: 1}}, name(1): {{Expert: 0}}}}, plan) != 0 {
		t.Errorf("plan %v swaps experts without room to do it", plan.Shards)
	}
	in.Nodes[0].Capacity = 2
	if plan = Compute(in); !plan.Shards[name(0)].Has(moe.ExpertID{Expert: 0}) {
		t.Errorf("plan %v does not use the room for expert 0", plan.Shards)
	}
}

func TestNaturalOrder(t *testing.T) {
	if Natural("expert-2", "expert-10") >= 0 || Natural("a-1", "b-0") >= 0 || Natural("x", "x") != 0 {
		t.Error("wrong order")
	}
}

func TestBalancedFollowsTheLoad(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 1, Nodes: nodes(2), Load: []float64{100, 60, 50, 10}}
	plan := Compute(in)
	if got := fmt.Sprint(plan.Shards[name(0)]); got != "[L0/E0 L0/E3]" {
		t.Errorf("node 0 holds %s, want the heaviest with the lightest", got)
	}
}

func TestBalancedMovesNothingUnasked(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(4, 8), Replicas: 2, Nodes: nodes(3)}
	before := Compute(in)
	in = settle(in, before)
	in.Nodes = append(in.Nodes, Node{ID: name(3), Joined: true, Capacity: -1})
	in.Load = make([]float64, 32)
	for i := range in.Load {
		in.Load[i] = float64(1 + i*i)
	}
	if n := moved(before, Compute(in)); n != 0 {
		t.Errorf("%d copies moved", n)
	}
	in.Moves = Moves{Max: -1}
	after := Compute(in)
	if n := moved(before, after); n != after.Moved || n < 12 {
		t.Errorf("%d copies moved to a new node, %d reported, want its share of 64", n, after.Moved)
	}
	in.Moves.Max = 5
	if after = Compute(in); after.Moved > 5 || moved(before, after) > 5 {
		t.Errorf("%d copies moved, want at most 5", after.Moved)
	}
}

// TestAJoinGivesOtherNodesNothing: a node of the cluster that has no experts stays
// without.
func TestAJoinGivesOtherNodesNothing(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 2), Replicas: 1, Moves: Moves{Max: -1}, Nodes: []Node{
		{ID: "a", Capacity: -1, Assigned: moe.Shard{{Expert: 0}, {Expert: 1}}},
		{ID: "empty", Capacity: -1}, {ID: "new", Joined: true, Capacity: 0},
	}}
	if plan := Compute(in); plan.Moved != 0 {
		t.Errorf("a node without room joined: %v", plan.Shards)
	}
	in.Nodes[2].Capacity = -1
	if plan := Compute(in); plan.Moved != 1 || len(plan.Shards["new"]) != 1 {
		t.Errorf("a node joined: %v", plan.Shards)
	}
}

func TestRebalancingRelievesTheBusiestNode(t *testing.T) {
	// Both heavy experts are on node 0: one of them is swapped for a light one.
	in := Input{Policy: Balanced, Topology: moe.Uniform(2, 4), Replicas: 1, Nodes: nodes(2), Load: []float64{90, 80, 10, 20, 1, 1, 1, 1}}
	for layer := range 2 {
		in.Nodes[0].Assigned = append(in.Nodes[0].Assigned, moe.ExpertID{Layer: layer}, moe.ExpertID{Layer: layer, Expert: 1})
		in.Nodes[1].Assigned = append(in.Nodes[1].Assigned, moe.ExpertID{Layer: layer, Expert: 2}, moe.ExpertID{Layer: layer, Expert: 3})
	}
	if got := fmt.Sprintf("%.2f", Imbalance(in)); got != "[1.70 1.00]" {
		t.Errorf("imbalance %s before", got)
	}
	in.Moves = Moves{Max: 2, Layers: []int{0, 1}, Gain: 0.1}
	plan := Compute(in)
	if got := fmt.Sprint(plan.Shards[name(0)]); got != "[L0/E0 L0/E2 L1/E0 L1/E1]" || plan.Moved != 2 {
		t.Errorf("node 0 has %s after %d moves", got, plan.Moved)
	}
	in = settle(in, plan)
	if got := fmt.Sprintf("%.2f", Imbalance(in)); got != "[1.00 1.00]" {
		t.Errorf("imbalance %s after", got)
	}
}

func TestRebalancingLeavesAloneWhatCannotBeHelped(t *testing.T) {
	// One expert per node: the hot one is as hot anywhere.
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 3), Replicas: 1, Nodes: nodes(3), Load: []float64{100, 1, 1}}
	before := Compute(in)
	in = settle(in, before)
	in.Moves = Moves{Max: -1, Layers: []int{0}, Gain: 0.1}
	if after := Compute(in); after.Moved != 0 {
		t.Errorf("%d copies moved", after.Moved)
	}
}

// draw makes any input, with nodes in any state.
func draw(t *rapid.T) Input {
	in := Input{
		Policy:   rapid.SampledFrom([]Policy{Column, Balanced}).Draw(t, "policy"),
		Topology: moe.NewTopology(rapid.SliceOfN(rapid.IntRange(0, 8), 1, 4).Draw(t, "experts per layer")),
		Replicas: rapid.IntRange(1, 3).Draw(t, "replicas"),
		Nodes:    nodes(rapid.IntRange(1, 6).Draw(t, "nodes")),
	}
	for i := range in.Nodes {
		n := &in.Nodes[i]
		n.Capacity = rapid.IntRange(-1, 40).Draw(t, "capacity")
		n.Mode = rapid.SampledFrom([]Mode{Schedulable, Schedulable, Schedulable, Pinned, Draining}).Draw(t, "mode")
		for _, id := range in.Topology.All() {
			if n.Capacity >= 0 && len(n.Resident) >= n.Capacity {
				continue
			}
			switch rapid.IntRange(0, 5).Draw(t, "state") {
			case 0:
				n.Assigned, n.Resident = append(n.Assigned, id), append(n.Resident, id)
			case 1:
				n.Resident = append(n.Resident, id)
			}
		}
	}
	for range in.Topology.Experts() {
		in.Load = append(in.Load, float64(rapid.IntRange(0, 1000).Draw(t, "load")))
	}
	in.Moves.Max = rapid.SampledFrom([]int{-1, 0, 1, 3}).Draw(t, "moves")
	return in
}

func TestPlansKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := draw(t)
		plan := Compute(in)
		copies := map[moe.ExpertID]int{}
		for _, n := range in.Nodes {
			shard := plan.Shards[n.ID]
			for _, id := range shard {
				copies[id]++
			}
			if !slices.Equal(shard, moe.NewShard(shard)) {
				t.Fatalf("%s has %v, not a set", n.ID, shard)
			}
			held := len(n.Resident) + len(shard.Minus(n.Resident))
			switch {
			case n.Mode == Pinned && !slices.Equal(shard, moe.NewShard(n.Assigned)):
				t.Fatalf("%s is fixed with %v and has %v", n.ID, n.Assigned, shard)
			case n.Mode == Draining && len(shard.Minus(n.Resident).Minus(n.Assigned)) > 0:
				t.Fatalf("%s leaves and gains %v", n.ID, shard)
			case n.Mode == Schedulable && n.Capacity >= 0 && held > max(n.Capacity, len(n.Resident)):
				t.Fatalf("%s holds %d of %d while it loads", n.ID, held, n.Capacity)
			}
		}
		if len(plan.Unplaced) != in.Topology.Experts()-len(copies) {
			t.Fatalf("%d experts have no place, %d are reported", in.Topology.Experts()-len(copies), len(plan.Unplaced))
		}
		again := in
		again.Nodes = slices.Clone(in.Nodes)
		for i, n := range again.Nodes {
			again.Nodes[i].Assigned = plan.Shards[n.ID]
		}
		again.Moves = Moves{}
		if next := Compute(again); moved(plan, next) != 0 {
			t.Fatalf("the plan %v fed back became %v", plan.Shards, next.Shards)
		}
	})
}

// TestASecondCopyMakesRoomForAFirst: expert 1 finds a second place on node 2, so
// that node 1 can give its copy up for expert 2, which has none but on the node
// that leaves.
func TestASecondCopyMakesRoomForAFirst(t *testing.T) {
	shard := func(experts ...int) (s moe.Shard) {
		for _, e := range experts {
			s = append(s, moe.ExpertID{Expert: e})
		}
		return s
	}
	plan := Compute(Input{Policy: Balanced, Topology: moe.Uniform(1, 3), Replicas: 2, Nodes: []Node{
		{ID: name(0), Mode: Draining, Capacity: -1, Assigned: shard(2), Resident: shard(2)},
		{ID: name(1), Capacity: 2, Assigned: shard(0, 1), Resident: shard(0, 1, 2)},
		{ID: name(2), Capacity: 1, Resident: shard(1)},
	}})
	if got := fmt.Sprint(plan.Shards); got != "map[expert-1:[L0/E0 L0/E2] expert-2:[L0/E1]]" || plan.Stuck != nil {
		t.Errorf("plan %s, stuck %v", got, plan.Stuck)
	}
}

func TestEveryCopyFindsItsPlaceWhereThereIsRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := draw(t)
		capacity := 0
		for i := range in.Nodes {
			in.Nodes[i].Mode, in.Nodes[i].Assigned, in.Nodes[i].Resident = Schedulable, nil, nil
			in.Nodes[i].Capacity = rapid.IntRange(0, 40).Draw(t, "room")
			capacity += in.Nodes[i].Capacity
		}
		plan := Compute(in)
		total := in.Topology.Experts()
		if got, want := total-len(plan.Unplaced), min(capacity, total); got != want {
			t.Fatalf("%d experts have a place, want %d", got, want)
		}
	})
}

// TestWhatADeadNodeLeavesIsSharedByMany: no node has much in common with any
// other.
func TestWhatADeadNodeLeavesIsSharedByMany(t *testing.T) {
	plan := Compute(Input{Policy: Balanced, Topology: moe.Uniform(32, 8), Replicas: 2, Nodes: nodes(8)})
	for i := range 8 {
		for j := range i {
			a, b := plan.Shards[name(i)], plan.Shards[name(j)]
			if common := len(a) - len(a.Minus(b)); common > 12 {
				t.Errorf("%s and %s have %d of %d experts in common, a fair share is 9", name(i), name(j), common, len(a))
			}
		}
	}
}

// TestAPlanWithoutACallerEnds soon, whatever Compute is at.
func TestAPlanWithoutACallerEnds(t *testing.T) {
	for _, policy := range []Policy{Column, Balanced, EPLB} {
		for _, after := range []int{0, 1, 5, 20, 100} {
			in := Input{Policy: policy, Topology: moe.Uniform(16, 32), Replicas: 8, Redundant: 16, Nodes: nodes(32), StepRows: 16, Moves: Moves{Max: -1}}
			for i := range in.Nodes {
				in.Nodes[i].Capacity = 100
			}
			in.Load = newDice(1).load(in.Topology)
			asked := 0
			in.Ended = func() bool {
				asked++
				return asked > after
			}
			Compute(in)
			if late := asked - after; late > 100 {
				t.Errorf("%s: asked %d times more after %d", policy, late, after)
			}
		}
	}
}
