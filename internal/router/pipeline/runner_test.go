package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
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
	r := pipeline.New(cfg, still{}, &backend.Local{FFN: still{}, Wire: tensor.BF16}, pipeline.MicroBatcher{})
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

// broken panics in the attention or in the experts of layer 1.
type broken struct {
	still
	attention bool
	inFlight  *atomic.Int64
}

func (b broken) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	if b.attention && layer == 1 && first > 0 {
		panic("attention is broken")
	}
	return b.still.Attend(layer, first, x, h, gate)
}

func (b broken) forward(layer int) error {
	b.inFlight.Add(1)
	defer b.inFlight.Add(-1)
	if !b.attention && layer == 1 {
		panic("experts are broken")
	}
	return nil
}

type brokenExperts struct{ broken }

func (b brokenExperts) Forward(_ context.Context, layer int, _ tensor.Matrix, _ moe.Routing, _ tensor.Matrix) error {
	return b.forward(layer)
}

func TestPanicIsAnErrorOfTheStepAndLeavesNoCallInFlight(t *testing.T) {
	cfg := model.Config{Layers: 4, Hidden: 64, Experts: 8, TopK: 2}
	for _, attention := range []bool{true, false} {
		for _, batches := range []int{1, 3} {
			if attention && batches == 1 {
				continue // the whole step is one call at row 0
			}
			b := broken{attention: attention, inFlight: &atomic.Int64{}}
			r := pipeline.New(cfg, b, brokenExperts{b}, pipeline.MicroBatcher{Fixed: batches})
			err := r.Forward(t.Context(), &model.Batch{Tokens: make([]int32, 12)}, tensor.Matrix{})
			var cause *moe.Panic
			if moe.KindOf(err) != moe.Internal || !errors.As(err, &cause) || !strings.Contains(string(cause.Stack), "broken") {
				t.Errorf("attention %v, %d micro-batches: %v, want an internal error with the stack of the panic", attention, batches, err)
			}
			if n := b.inFlight.Load(); n != 0 {
				t.Errorf("attention %v, %d micro-batches: %d expert calls in flight", attention, batches, n)
			}
		}
	}
}
