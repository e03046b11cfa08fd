package pipeline_test

import (
	"context"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/moe"
)

// still is a Dense and an FFN that compute next to nothing.
type still struct{}

func (still) Embed(*model.Batch, tensor.Matrix) error { return nil }

func (still) FeedForward(int, tensor.Matrix, tensor.Matrix) error { return nil }
func (still) Attend(_, _ int, x, h, gate tensor.Matrix) error {
	for i := range gate.Rows {
		for e := range gate.Row(i) {
			gate.Row(i)[e] = float32((i + e) % gate.Cols)
		}
	}
	return nil
}

func (still) Head(*model.Batch, tensor.Matrix, tensor.Matrix) error { return nil }

func (still) Run(_ context.Context, _ int, _ []moe.Group, x, y []byte) error {
	copy(y, x)
	return nil
}

func stillStep() (step func()) {
	cfg := model.Config{Layers: 4, Hidden: 64, Experts: 8, TopK: 2}
	r := pipeline.New(cfg, still{}, &model.Local{FFN: still{}, Wire: tensor.BF16}, pipeline.MicroBatcher{})
	b := &model.Batch{Tokens: make([]int32, 5), Outputs: []int32{4}}
	logits := tensor.NewMatrix(1, 10)
	return func() {
		if err := r.Forward(context.Background(), b, logits); err != nil {
			panic(err)
		}
	}
}

func TestTheLayerLoopAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(50, stillStep()); n != 0 {
		t.Errorf("%v allocations a step, want none", n)
	}
}

func BenchmarkLayerLoop(b *testing.B) {
	step := stillStep()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}
