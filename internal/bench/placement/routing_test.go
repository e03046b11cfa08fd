package placement

import (
	"math"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// blank is a model.Dense that computes nothing.
type blank struct{ model.Dense }

func (blank) Embed(*model.Batch, tensor.Matrix) error      { return nil }
func (blank) Attend(_, _ int, _, _, _ tensor.Matrix) error { return nil }

// route counts how often tokens choose each expert of layer 0 first.
func route(t *testing.T, z *zipf, tokens []int32, pieces int) (first []float64, logits []float32) {
	t.Helper()
	if err := z.Embed(&model.Batch{Tokens: tokens}, tensor.Matrix{}); err != nil {
		t.Fatal(err)
	}
	first = make([]float64, 8)
	for begin := 0; begin < len(tokens); begin += len(tokens) / pieces {
		gate := tensor.NewMatrix(len(tokens)/pieces, 8)
		if err := z.Attend(0, begin, tensor.Matrix{}, tensor.Matrix{}, gate); err != nil {
			t.Fatal(err)
		}
		var r moe.Routing
		if err := model.Gate(model.SoftmaxOfTopK, gate, 1, &r); err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Experts {
			first[e] += 1 / float64(len(tokens))
		}
		logits = append(logits, gate.Data...)
	}
	return first, logits
}

// TestExpertsAreAsPopularAsZipfSays, in another order in each layer, however a step is
// cut, and the same each time.
func TestExpertsAreAsPopularAsZipfSays(t *testing.T) {
	cfg := model.Config{Layers: 2, Experts: 8}
	z := newZipf(blank{}, cfg, 1, 3)
	tokens := make([]int32, 40_000)
	for i := range tokens {
		tokens[i] = int32(i)
	}
	got, logits := route(t, z, tokens, 1)
	harmonic := 0.0
	for rank := range 8 {
		harmonic += 1 / float64(rank+1)
	}
	sorted := slices.Sorted(slices.Values(got))
	slices.Reverse(sorted)
	for rank, share := range sorted {
		if want := 1 / float64(rank+1) / harmonic; math.Abs(share-want) > 0.01 {
			t.Errorf("rank %d has share %.3f, want %.3f", rank, share, want)
		}
	}
	if _, cut := route(t, newZipf(blank{}, cfg, 1, 3), tokens, 4); !slices.Equal(cut, logits) {
		t.Error("the routing depends on how a step is cut")
	}
	if slices.Equal(z.log[0], z.log[1]) {
		t.Error("the layers have the same ranks")
	}
	if even, _ := route(t, newZipf(blank{}, cfg, 0, 3), tokens, 1); slices.Max(even) > 0.14 {
		t.Errorf("skew 0 gives %v", even)
	}
}
