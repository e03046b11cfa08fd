package pipeline_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/moe"
)

// traced is a model whose row i has x = i at first. Attention copies x to h, and experts
// add 10 h to x, so that each layer multiplies a row by 11. Attention of the last layer
// spoils the rows whose logits are not wanted.
type traced struct {
	still
	outputs []int32
	read    []float32 // x of the outputs, by Head

	mu     sync.Mutex
	called [][]float32 // h of the rows that experts got, by layer
}

func (t *traced) Embed(b *model.Batch, x tensor.Matrix) error {
	t.called, t.outputs = make([][]float32, 3), b.Outputs
	for i := range b.Tokens {
		x.Row(i)[0] = float32(i)
	}
	return nil
}

func (t *traced) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	for i := range x.Rows {
		if layer == 2 && !slices.Contains(t.outputs, int32(first+i)) {
			x.Row(i)[0] = float32(math.NaN()) // undefined
		}
		copy(h.Row(i), x.Row(i))
	}
	return t.still.Attend(layer, first, x, h, gate)
}

func (t *traced) Head(b *model.Batch, x, _ tensor.Matrix) error {
	t.read = nil
	for _, row := range b.Outputs {
		t.read = append(t.read, x.Row(int(row))[0])
	}
	return nil
}

func (t *traced) Forward(_ context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	if r.Rows() != h.Rows || h.Rows != x.Rows {
		return fmt.Errorf("%d rows routed, %d given, %d to add to", r.Rows(), h.Rows, x.Rows)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range h.Rows {
		t.called[layer] = append(t.called[layer], h.Row(i)[0])
		x.Row(i)[0] += 10 * h.Row(i)[0]
	}
	return nil
}

func TestExpertsOfTheLastLayerGetTheRowsWhoseLogitsAreWanted(t *testing.T) {
	cfg := model.Config{Layers: 3, Hidden: 1, Experts: 8, TopK: 2}
	for _, outputs := range [][]int32{nil, {0}, {6}, {1, 3}, {2, 3, 4, 6}, {0, 1, 2, 3, 4, 5, 6}} {
		for batches := 1; batches <= pipeline.MaxMicroBatches; batches++ {
			m := &traced{}
			r := pipeline.New(cfg, m, m, pipeline.MicroBatcher{Fixed: batches})
			b := &model.Batch{Tokens: make([]int32, 7), Outputs: outputs}
			if err := r.Forward(t.Context(), b, tensor.NewMatrix(len(outputs), 1)); err != nil {
				t.Fatal(err)
			}
			var before, after []float32
			for _, row := range outputs {
				before, after = append(before, float32(row)*11*11), append(after, float32(row)*11*11*11)
			}
			slices.Sort(m.called[2])
			if !slices.Equal(m.called[2], before) || len(m.called[0]) != 7 || len(m.called[1]) != 7 {
				t.Errorf("outputs %v, %d micro-batches: experts got %v, want %v in the last layer and 7 rows in the others", outputs, batches, m.called, before)
			}
			if !slices.Equal(m.read, after) {
				t.Errorf("outputs %v, %d micro-batches: Head reads %v, want %v", outputs, batches, m.read, after)
			}
		}
	}
}
