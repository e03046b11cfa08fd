//go:build !race

package engine_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cuda"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// TestMetamorphicOnAGPU is TestMetamorphic with attention and experts on GPUs of a fake
// driver, one for each process. It has fewer requests, and short ones: the driver
// computes a kernel one thread after the other. The race detector sees this backend in
// its own package.
func TestMetamorphicOnAGPU(t *testing.T) {
	if testing.Short() {
		t.Skip("computes requests by the definition of each kernel: skipped by -short")
	}
	fake, seed := fakecuda.Need(t), cmp.Or(*metaSeed, 14)
	w := newWeights(t, small, int64(seed>>1))
	w.numerics = model.Numerics{Wire: tensor.BF16, KV: tensor.KVBF16, FFNActivation: tensor.BF16, DenseActivation: tensor.F32}
	w.device = func(t testing.TB) backend.Device {
		lib := fakecuda.Open(t, fake, "")
		d, err := cuda.Backend(cuda.Config{Open: func() (driver.Library, error) { return lib, nil }}).Open(backend.Options{Threads: 1, Attention: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		return d
	}
	words := mistral(t)
	asks := shortened(mix(rand.New(rand.NewPCG(seed, 0)), grammars(t, words), metamorphicAsks))
	want := oneByOne(t, w, words, asks)
	ok := func(engine.Stats) bool { return true }
	for _, s := range []setting{
		{"in micro-batches", 512, false, roomy, 0, 0, 4, 0, false, ok},
		{"one node, chunks of 7", 7, false, roomy, 0, 1, 0, 0, false, ok},
		{"two nodes, prefix cache", 64, true, roomy, 0, 2, 2, 0, false, ok},
		{"three nodes whose calls fail, and everything else", 7, true, 16, 4, 3, 3, 0, true, ok},
	} {
		t.Run(s.name, func(t *testing.T) { s.check(t, w, words, asks, want) })
	}
}

// shortened are some of the requests, with short prompts and answers. Many share a
// beginning. Under any seed, some answers stop and some are cut.
func shortened(asks []ask) []ask {
	const requests, prompt, answer = 16, 60, 10
	asks = slices.DeleteFunc(asks, func(a ask) bool { return len(a.r.Prompt) > prompt })
	asks = asks[:min(len(asks), requests)]
	for i := range asks {
		r := &asks[i].r
		r.MaxTokens = min(r.MaxTokens, answer)
		r.Params.MinTokens = min(r.Params.MinTokens, r.MaxTokens)
	}
	ends, runs := &asks[0], &asks[1]
	ends.g, ends.stops, ends.r.StopTokens = nil, nil, []int32{2}
	ends.r.Params = sampler.Params{LogitBias: map[int32]float64{2: 100}}
	runs.g, runs.stops, runs.r.StopTokens = nil, nil, nil
	return asks
}
