package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/coordinator/eplb"
	"github.com/hachi-serve/hachi/moe"
)

// skewed is a cluster with the loads of the example of EPLB's README.
func skewed(policy Policy, n int) Input {
	return Input{
		Policy: policy, Topology: moe.Uniform(2, 12), Replicas: 1, Redundant: 4, Nodes: nodes(n),
		Load: []float64{90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86, 20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27},
	}
}

func TestThePolicyEPLBPlacesAsPublished(t *testing.T) {
	in := skewed(EPLB, 8)
	plan := Compute(in)
	for layer := range 2 {
		layout, err := eplb.Rebalance(in.Load[12*layer:12*layer+12], eplb.Shape{Slots: 16, Groups: 1, Nodes: 1, GPUs: 8})
		if err != nil {
			t.Fatal(err)
		}
		for gpu := range 8 {
			for _, e := range layout[2*gpu : 2*gpu+2] {
				if !plan.Shards[name(gpu)].Has(moe.ExpertID{Layer: layer, Expert: e}) {
					t.Errorf("%s has %v, want layer %d of %v", name(gpu), plan.Shards[name(gpu)], layer, layout)
				}
			}
		}
	}
	if plan.NotEPLB != "" || plan.Missing > 0 {
		t.Errorf("%+v", plan)
	}
}

func TestThePolicyEPLBSaysWhereItDoesNotApply(t *testing.T) {
	for _, c := range []struct {
		change func(*Input)
		want   string
	}{
		{func(in *Input) { in.Nodes = nodes(5) }, "16 slots on 5 GPUs"},
		{func(in *Input) { in.Nodes[2].Capacity = 5 }, "expert-2 for 5, expected equal nodes"},
		{func(in *Input) { in.Nodes[3].Mode = Pinned }, "expert-3 is missing for a moment"},
		{func(in *Input) {
			in.Topology, in.Load, in.Redundant = moe.NewTopology([]int{0, 12, 6}), in.Load[:18], 4
		}, "layer 2: 10 slots on 8 GPUs"},
	} {
		in := skewed(EPLB, 8)
		c.change(&in)
		plan := Compute(in)
		if !strings.Contains(plan.NotEPLB, c.want) {
			t.Errorf("%q, want %q", plan.NotEPLB, c.want)
		}
		if len(plan.Unplaced) > 0 {
			t.Errorf("%s: %v have no place", plan.NotEPLB, plan.Unplaced)
		}
	}
}

// TestThePolicyEPLBKeepsItsLayout until it may move copies: EPLB has no cost of
// moving an expert.
func TestThePolicyEPLBKeepsItsLayout(t *testing.T) {
	in := skewed(EPLB, 8)
	in.Topology, in.Load = moe.Uniform(1, 12), in.Load[:12]
	plan := Compute(in)
	in = settle(in, plan)
	slices.Reverse(in.Load)
	if after := Compute(in); moved(plan, after) > 0 {
		t.Errorf("%d copies moved", moved(plan, after))
	}
	in.Moves = Moves{Max: 1, Layers: []int{0}}
	fresh := in
	fresh.Nodes, fresh.Moves = nodes(8), Moves{}
	if after, want := Compute(in), Compute(fresh); moved(want, after)+moved(after, want) > 0 {
		t.Errorf("%v, want the layout for the new load, %v", after.Shards, want.Shards)
	}
}

// TestTheHottestExpertsGetTheRedundantCopies that a layer has, and no others.
func TestTheHottestExpertsGetTheRedundantCopies(t *testing.T) {
	in := Input{
		Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 1, Redundant: 3, Nodes: nodes(4), Load: []float64{100, 10, 60, 5},
	}
	copies := copiesOf(Compute(in))
	for e, want := range []int{3, 1, 2, 1} {
		if got := len(copies[moe.ExpertID{Expert: e}]); got != want {
			t.Errorf("expert %d has %d copies, want %d", e, got, want)
		}
	}
	in.Load = nil
	for id, holders := range copiesOf(Compute(in)) {
		if len(holders) != 1 {
			t.Errorf("%v is on %v before load is measured", id, holders)
		}
	}
}

// TestFasterNodesCarryMore: by measured speed, and by what the step needs: rows of a
// large one, distinct experts of a small one.
func TestFasterNodesCarryMore(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(4, 12), Replicas: 1, Nodes: nodes(2)}
	in.Nodes[0].Speed, in.Nodes[1].Speed = Speed{Expert: 1e-3, Row: 2e-4}, Speed{Expert: 1e-3, Row: 1e-4}
	for _, c := range []struct {
		rows      float64
		low, high int // experts of the slower node
	}{{2, 22, 26}, {12000, 14, 18}} {
		in.StepRows = c.rows
		if got := len(Compute(in).Shards[name(0)]); got < c.low || got > c.high {
			t.Errorf("%g rows: the slower node has %d of 48 experts, want %d to %d", c.rows, got, c.low, c.high)
		}
	}
}

// TestAnUnknownNodeIsAsFastAsItsBackend: a GPU that has computed nothing yet carries as
// much as the GPU beside it, and not the mean of that and a processor.
func TestAnUnknownNodeIsAsFastAsItsBackend(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(4, 22), Replicas: 1, Nodes: nodes(3), StepRows: 1000}
	in.Nodes[0].Backend, in.Nodes[0].Speed = "cpu", Speed{Expert: 1e-2, Row: 1e-3}
	in.Nodes[1].Backend, in.Nodes[1].Speed = "cuda", Speed{Expert: 1e-3, Row: 1e-4}
	in.Nodes[2].Backend = "cuda"
	shards := Compute(in).Shards
	slow, fast, unknown := len(shards[name(0)]), len(shards[name(1)]), len(shards[name(2)])
	if slow > 8 || unknown < fast-4 || unknown > fast+4 {
		t.Errorf("%d experts on the processor, %d on the GPU, %d on the other GPU", slow, fast, unknown)
	}
}

// TestAMoveMustSaveMoreThanItCosts: loading takes longer than the load is expected
// to last.
func TestAMoveMustSaveMoreThanItCosts(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 1, Nodes: nodes(2), Load: []float64{90, 80, 10, 20}, StepRows: 200}
	for i := range in.Nodes {
		in.Nodes[i].Speed = Speed{Row: 1e-3}
		in.Nodes[i].Assigned = moe.Shard{{Expert: 2 * i}, {Expert: 2*i + 1}}
	}
	// The best swap, of experts 1 and 2, lowers the busiest node from 170 to 100
	// rows: 70 ms a step. At 1 step/s over 60 s, 4.2 s. Expert 1 by itself saves 3.6 s.
	for _, c := range []struct{ seconds, moved float64 }{{2, 2}, {2.2, 1}, {3.7, 0}} {
		in.Moves = Moves{Max: -1, Layers: []int{0}, LoadSeconds: c.seconds, StepsPerSecond: 1, Horizon: 60}
		if got := Compute(in).Moved; float64(got) != c.moved {
			t.Errorf("%g s to load: %d copies moved, want %g", c.seconds, got, c.moved)
		}
	}
}

// TestFullSurvivorsMakeRoom: two nodes die together and the experts that only they
// had find no room. Copies of experts that have others give way, the coldest first.
func TestFullSurvivorsMakeRoom(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 2, Nodes: nodes(2), Load: []float64{10, 40, 30, 20}}
	for i := range in.Nodes {
		in.Nodes[i].Capacity = 3
		in.Nodes[i].Assigned = moe.Shard{{Expert: 1}, {Expert: 2}, {Expert: 3}}
		in.Nodes[i].Resident = in.Nodes[i].Assigned
	}
	plan := Compute(in)
	if plan.Evicts != 1 || len(plan.Unplaced) != 1 {
		t.Fatalf("%+v, want an expert that waits for room", plan)
	}
	copies := copiesOf(plan)
	if len(copies[moe.ExpertID{Expert: 3}]) != 1 || len(copies[moe.ExpertID{Expert: 1}]) != 2 || len(copies[moe.ExpertID{Expert: 2}]) != 2 {
		t.Errorf("%v, want a copy of the coldest dropped", copies)
	}
	// The same while the copy is still there, and the place of the expert after it.
	half := Assign(in, plan)
	if again := Compute(half); moved(plan, again)+moved(again, plan) > 0 || again.Evicts != 1 {
		t.Errorf("%v became %v", plan.Shards, again.Shards)
	}
	for i := range half.Nodes {
		half.Nodes[i].Resident = half.Nodes[i].Assigned
	}
	if last := Compute(half); len(last.Unplaced) > 0 || last.Evicts > 0 {
		t.Errorf("%+v, want a place for every expert", last)
	}
}
