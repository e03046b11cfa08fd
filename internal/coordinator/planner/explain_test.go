package planner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

func TestEveryChangeHasAReason(t *testing.T) {
	in := Input{Policy: Balanced, Topology: moe.Uniform(1, 4), Replicas: 1, Nodes: nodes(2), Load: []float64{90, 80, 10, 20}}
	in.Nodes[0].Assigned, in.Nodes[1].Assigned = moe.Shard{{Expert: 0}, {Expert: 1}}, moe.Shard{{Expert: 2}, {Expert: 3}}
	for _, c := range []struct {
		change func(*Input)
		want   string
	}{
		{func(*Input) {}, "[]"},
		{func(in *Input) { in.Moves = Moves{Max: -1, Layers: []int{0}} },
			"[{L0/E1 expert-0 expert-1 load of layer 0: the busiest node carries 1.70 times the average, 1.00 after} " +
				"{L0/E2 expert-1 expert-0 load of layer 0: the busiest node carries 1.70 times the average, 1.00 after}]"},
		{func(in *Input) { in.Nodes = in.Nodes[:1] }, "[{L0/E2  expert-0 no node has it} {L0/E3  expert-0 no node has it}]"},
		{func(in *Input) { in.Nodes[1].Mode = Draining }, "[{L0/E2 expert-1 expert-0 expert-1 leaves} {L0/E3 expert-1 expert-0 expert-1 leaves}]"},
		{func(in *Input) { in.Redundant = 1 }, "[{L0/E0  expert-1 busy: one more copy}]"},
	} {
		changed := in
		changed.Nodes = slices.Clone(in.Nodes)
		c.change(&changed)
		if got := fmt.Sprint(Explain(changed, Compute(changed))); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	in.Replicas = 2
	for _, c := range Explain(in, Compute(in)) {
		if c.Why != "1 of 2 replicas" || c.From != "" {
			t.Errorf("%+v", c)
		}
	}
}

// TestExplainedChangesLeadToThePlan for random clusters.
func TestExplainedChangesLeadToThePlan(t *testing.T) {
	each(t, func(t *testing.T, d dice) {
		in := d.cluster(d.IntN(2) == 0)
		in = settle(in, Compute(in))
		in.Nodes[d.IntN(len(in.Nodes))].Mode = Draining
		in.Nodes = append(in.Nodes, Node{ID: "new", Joined: true, Capacity: -1})
		in.Moves = Moves{Max: -1}
		plan := Compute(in)
		got := map[moe.NodeID]map[moe.ExpertID]bool{}
		for _, n := range in.Nodes {
			got[n.ID] = map[moe.ExpertID]bool{}
			for _, id := range n.Assigned {
				got[n.ID][id] = true
			}
		}
		for _, c := range Explain(in, plan) {
			if c.Why == "" {
				t.Errorf("%+v", c)
			}
			if c.From != "" {
				delete(got[c.From], c.Expert)
			}
			if c.To != "" {
				got[c.To][c.Expert] = true
			}
		}
		for id, experts := range got {
			for _, e := range plan.Shards[id] {
				if !experts[e] {
					t.Errorf("%s lacks %v", id, e)
				}
			}
			if len(experts) != len(plan.Shards[id]) {
				t.Errorf("%s has %d experts, the plan gives it %d", id, len(experts), len(plan.Shards[id]))
			}
		}
	})
}
