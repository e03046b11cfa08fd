package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// placed is a fake model whose steps run on one node after another: step i on
// the i-th of nodes, later ones on the last.
type placed struct {
	fakeModel
	nodes []moe.NodeID
	step  int
}

var errNode = errors.New("the node is gone")

func (p *placed) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	node := p.nodes[min(p.step, len(p.nodes)-1)]
	p.step++
	for _, span := range b.Spans {
		if span.Nodes != nil {
			*span.Nodes = append(*span.Nodes, node)
		}
	}
	if node == "gone" {
		return &moe.Error{Op: "expert call", Kind: moe.NoReplica, Err: errNode}
	}
	return p.fakeModel.Forward(ctx, b, logits)
}

// TestEventsNameTheNodesOfCommittedSteps: the step on the node that is gone was
// abandoned, so the node computed nothing of the answer.
func TestEventsNameTheNodesOfCommittedSteps(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		m := &placed{fakeModel: fakeModel{kv: map[int64]int32{}}, nodes: []moe.NodeID{"a", "gone", "b", "a"}}
		e := start(t, 64, wide, nil, func(c *Config) { c.Forward = m })
		r := request(2)
		r.MaxTokens, r.ReportNodes = 5, wanted
		stream, err := e.Submit(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		events, err := read(t, stream)
		if err != nil {
			t.Fatal(err)
		}
		for i, event := range events {
			var want []moe.NodeID
			if wanted {
				want = []moe.NodeID{"a", "b"}[:min(i+1, 2)]
			}
			if !slices.Equal(event.Nodes, want) {
				t.Errorf("event %d names %q, want %q", i, event.Nodes, want)
			}
		}
	}
}
