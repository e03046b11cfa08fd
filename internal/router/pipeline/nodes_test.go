package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/moe"
)

// perExpert are experts with a node each: expert 3 lives on n3.
type perExpert struct{ names []moe.NodeID }

func (p perExpert) Forward(_ context.Context, _ int, _ tensor.Matrix, r moe.Routing, _ tensor.Matrix) error {
	if r.Nodes == nil {
		return nil
	}
	for slot, e := range r.Experts {
		r.Nodes[slot] = p.names[e]
	}
	return nil
}

// nodesStep is a step of two spans, of 3 rows and of 2, of which the second
// wants to know its nodes.
func nodesStep(batches int) (step func() error, nodes *[]moe.NodeID) {
	cfg := model.Config{Layers: 2, Hidden: 64, Experts: 8, TopK: 2}
	var p perExpert
	for e := range cfg.Experts {
		p.names = append(p.names, moe.NodeID(fmt.Sprint("n", e)))
	}
	r := pipeline.New(cfg, still{}, p, pipeline.MicroBatcher{Fixed: batches})
	nodes = &[]moe.NodeID{}
	b := &model.Batch{Tokens: make([]int32, 5), Spans: []model.Span{{N: 3}, {Start: 7, N: 2, Nodes: nodes}}}
	logits := tensor.NewMatrix(0, 10)
	return func() error {
		*nodes = (*nodes)[:0]
		return r.Forward(context.Background(), b, logits)
	}, nodes
}

// TestSpanLearnsTheNodesOfItsRows: still's gate sends row i of a micro-batch to
// the experts (7-i)%8 and (6-i)%8, so that rows of other spans have other nodes.
func TestSpanLearnsTheNodesOfItsRows(t *testing.T) {
	for batches, want := range map[int][]moe.NodeID{
		1: {"n2", "n3", "n4"}, // rows 3 and 4 of one batch
		2: {"n4", "n5", "n6"}, // rows 1 and 2 of the second of two
		4: {"n5", "n6", "n7"}, // rows 0 and 1 of the last of four
	} {
		step, nodes := nodesStep(batches)
		if err := step(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(*nodes)
		if !slices.Equal(*nodes, want) {
			t.Errorf("%d micro-batches: nodes %q, want %q", batches, *nodes, want)
		}
	}
}

// TestSpanLearnsTheNodesOfTheLastLayer: in a model of one layer, only the outputs have
// nodes. Row 4 is the only one of the second span, and row 2 of the first has others.
func TestSpanLearnsTheNodesOfTheLastLayer(t *testing.T) {
	cfg := model.Config{Layers: 1, Hidden: 64, Experts: 8, TopK: 2}
	var p perExpert
	for e := range cfg.Experts {
		p.names = append(p.names, moe.NodeID(fmt.Sprint("n", e)))
	}
	r := pipeline.New(cfg, still{}, p, pipeline.MicroBatcher{})
	var first, second []moe.NodeID
	b := &model.Batch{Tokens: make([]int32, 5), Spans: []model.Span{{N: 3, Nodes: &first}, {N: 2, Nodes: &second}}, Outputs: []int32{2, 4}}
	if err := r.Forward(t.Context(), b, tensor.NewMatrix(2, 10)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(first)
	slices.Sort(second)
	if want := []moe.NodeID{"n4", "n5"}; !slices.Equal(first, want) {
		t.Errorf("first span: nodes %q, want %q", first, want)
	}
	if want := []moe.NodeID{"n2", "n3"}; !slices.Equal(second, want) {
		t.Errorf("second span: nodes %q, want %q", second, want)
	}
}

func TestNamingNodesAllocatesNothing(t *testing.T) {
	step, _ := nodesStep(1)
	if n := testing.AllocsPerRun(50, func() {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a step, want none", n)
	}
}
