package engine_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// qwen3 are models of the second architecture, in bf16, so that everything that
// rounds rounds here.
func qwen3() map[string]model.Config {
	base := model.Config{
		Arch: "Qwen3MoeForCausalLM", Layers: 4, Hidden: 64, FFN: 48, DenseFFN: 96, Heads: 4, KVHeads: 2, HeadDim: 32, Vocab: 256,
		Experts: 8, TopK: 2, QKNorm: true, Gate: model.TopKOfSoftmaxNormalized,
		RopeTheta: 1e6, NormEps: 1e-6, MaxContext: 512, DType: tensor.BF16, BOS: 1, EOS: []int{2},
	}
	normalized, dense, many := base, base, base
	normalized.DenseFFN = 0
	dense.DenseLayers, dense.Gate, dense.TopK = []int{0, 2}, model.TopKOfSoftmax, 3
	many.DenseLayers, many.Experts, many.TopK, many.TieEmbeddings = []int{3}, 16, 4, true
	return map[string]model.Config{"normalized": normalized, "dense layers": dense, "many experts": many}
}

// TestQwen3HasTheSameBitsOnAnyNodes compares the logits of a model in one
// process with those over 1, 3 and 8 expert nodes, and after a node has died
// between two steps.
func TestQwen3HasTheSameBitsOnAnyNodes(t *testing.T) {
	for name, cfg := range qwen3() {
		t.Run(name, func(t *testing.T) {
			w := newWeights(t, cfg, 7)
			pool := cpu.NewPool(cpu.PoolOptions{Threads: 2})
			defer pool.Close()
			alone, _ := w.experts(t, pool, 0, nil)
			want := w.chunkedLogits(t, pool, alone, func() {})
			for _, nodes := range []int{1, 3, 8} {
				for _, dies := range []bool{false, nodes > 1} {
					experts, kill := w.cluster(t, nodes)
					between := func() {}
					if dies {
						between = kill
					}
					compareBits(t, fmt.Sprintf("%d nodes, one dies: %v", nodes, dies), w.chunkedLogits(t, pool, experts, between), want)
				}
			}
		})
	}
}

// cluster starts expert nodes, every expert on two of them if there are two;
// kill cuts the first one off.
func (w *weights) cluster(t *testing.T, nodes int) (experts model.Experts, kill func()) {
	t.Helper()
	cfg := w.ckpt.Config()
	network, p := w.startNodes(t, nodes)
	d := dispatch.New(dispatch.Config{Transport: network, Fingerprint: "f", Wire: w.numerics.Wire, Hidden: cfg.Hidden, Topology: cfg.Topology()})
	d.Adopt(p)
	return d, func() { network.Disconnect("node-0") }
}

// chunkedLogits runs one sequence in chunks across block edges and returns all
// its logits; between is called after the second chunk.
func (w *weights) chunkedLogits(t *testing.T, pool *cpu.Pool, experts model.Experts, between func()) []float32 {
	t.Helper()
	cfg := w.ckpt.Config()
	dense, err := cpu.NewDense(cfg, w.dense.Weights, cpu.DenseOptions{Numerics: w.numerics, Blocks: 4}, pool)
	if err != nil {
		t.Fatal(err)
	}
	defer dense.Close()
	runner := pipeline.New(cfg, dense, experts, pipeline.MicroBatcher{Fixed: 2})
	var all []float32
	start := 0
	for i, n := range []int{15, 1, 20, 1, 2} {
		b := &model.Batch{Spans: []model.Span{{Start: start, N: n, Blocks: []int32{2, 0, 3}}}}
		for row := range n {
			b.Tokens = append(b.Tokens, int32((start+row+1)*7919%cfg.Vocab))
			b.Outputs = append(b.Outputs, int32(row))
		}
		out := tensor.NewMatrix(n, cfg.Vocab)
		if err := runner.Forward(t.Context(), b, out); err != nil {
			t.Fatal(err)
		}
		all, start = append(all, out.Data...), start+n
		if i == 1 {
			between()
		}
	}
	return all
}

func compareBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: logit %d is %v, want %v, bit for bit", what, i, got[i], want[i])
		}
	}
}
