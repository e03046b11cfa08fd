package sizing

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

const gib = 1 << 30

// eight are the nodes of docs/sizing.md: 8x7B in bf16 with two replicas.
func eight(memory int64) Request {
	r := Request{
		Model:  Model{Name: "8x7b", Topology: moe.Uniform(32, 8), TopK: 2, ExpertBytes: 336 << 20},
		Policy: planner.Balanced, Replicas: 2, Batches: []int{1, 64},
	}
	for i := range 8 {
		r.Nodes = append(r.Nodes, Node{Name: fmt.Sprint("n", i), Memory: memory, Bandwidth: 40 * gib})
	}
	return r
}

func compute(t *testing.T, r Request) Report {
	t.Helper()
	report, err := Compute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestTheExampleOfTheDocumentation(t *testing.T) {
	r := compute(t, eight(27*gib)) // 82 experts
	if !r.Fits || !r.Complete || len(r.Notes) > 0 {
		t.Errorf("%+v", r)
	}
	for _, n := range r.Nodes {
		if n.Experts != 64 || n.Capacity != 82 || !n.Survives {
			t.Errorf("%+v, want 64 experts, room for 82, and that the cluster survives it", n)
		}
	}
	// A token reads two experts of each layer, at best one on each of two nodes.
	one := 32 * (336.0 / 1024 / 40)
	if got := r.Speeds[0].StepSeconds; got < one/8 || got > 2*one {
		t.Errorf("%g s for a token, want about %g", got, one)
	}
	// A large batch reads all 8 experts of a layer, each on one of the nodes.
	if got := r.Speeds[1]; math.Abs(got.TokensPerSecond*got.StepSeconds-64) > 1e-9 || got.StepSeconds < one || got.StepSeconds > 2.1*one {
		t.Errorf("%+v, want a step of one to two experts a layer, %g to %g s", got, one, 2*one)
	}
}

func TestWhatDoesNotFitIsSaid(t *testing.T) {
	r := eight(27 * gib)
	r.Nodes = r.Nodes[:3] // room for 246 of 256 experts
	if got := compute(t, r); got.Fits || got.Complete || len(got.Speeds) > 0 || !strings.Contains(fmt.Sprint(got.Notes), "10 of 256 experts have no place") {
		t.Errorf("%+v", got)
	}
	r = eight(27 * gib)
	r.Nodes = r.Nodes[:4]
	got := compute(t, r)
	if !got.Fits || got.Complete || !strings.Contains(fmt.Sprint(got.Notes), "184 of 512 replicas") {
		t.Errorf("%+v", got)
	}
	for _, n := range got.Nodes {
		if n.Survives {
			t.Errorf("%s: three nodes have room for 246 of 256 experts", n.Node)
		}
	}
	r = eight(27 * gib)
	r.Nodes[3].Bandwidth = 0
	if got := compute(t, r); len(got.Speeds) > 0 {
		t.Errorf("a speed is known without the bandwidth of n3: %+v", got.Speeds)
	}
}

// TestFullSurvivorsSurvive: what a node leaves takes the room of further copies.
func TestFullSurvivorsSurvive(t *testing.T) {
	r := eight(21 * gib) // 64 experts a node, all taken
	for _, n := range compute(t, r).Nodes {
		if n.Experts != n.Capacity || !n.Survives {
			t.Errorf("%+v", n)
		}
	}
}

// TestAQuestionWithoutACallerEnds: this one would take hours.
func TestAQuestionWithoutACallerEnds(t *testing.T) {
	r := eight(27 * gib)
	r.Nodes, r.Replicas = nil, 4096
	for i := range 4096 {
		r.Nodes = append(r.Nodes, Node{Name: fmt.Sprint("n", i), Memory: 27 * gib})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compute(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// TestWhatHasCopiesElsewhereSurvives says the same as a plan without the node.
func TestWhatHasCopiesElsewhereSurvives(t *testing.T) {
	for _, memory := range []int64{10 * gib, 14 * gib, 21 * gib, 27 * gib} {
		in := eight(memory).input()
		plan := planner.Compute(in)
		copies := copiesOf(plan)
		for i, n := range in.Nodes {
			if alsoElsewhere(plan.Shards[n.ID], copies) && !survives(in, plan, i) {
				t.Errorf("memory %d: every expert of %s is elsewhere too, and a plan without it does not place them", memory, n.ID)
			}
		}
	}
}
