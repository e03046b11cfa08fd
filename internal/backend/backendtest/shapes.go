package backendtest

import (
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// shape is a small model and how it is computed.
type shape struct {
	name     string
	cfg      model.Config
	numerics model.Numerics
	experts  tensor.DType // format of the experts' matrices
}

// shapes are the models of the tests: as Mixtral in bf16, and with activations in bf16; with tails
// everywhere and a window; as Qwen3-MoE with a layer without experts; with experts in every
// format that weights can be quantized to.
func shapes() []shape {
	plain := model.Config{Layers: 2, Hidden: 64, FFN: 96, Heads: 4, KVHeads: 2, HeadDim: 16, Vocab: 70, Experts: 4, TopK: 2,
		RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 256, DType: tensor.BF16}
	tails := plain
	tails.Hidden, tails.FFN, tails.Heads, tails.KVHeads, tails.HeadDim = 52, 75, 3, 3, 12
	tails.SlidingWindow, tails.Vocab, tails.Experts, tails.TopK, tails.DType = 21, 61, 5, 3, tensor.F32
	dense := plain
	dense.Layers, dense.DenseLayers, dense.DenseFFN, dense.QKNorm, dense.HeadDim = 3, []int{1}, 88, true, 20
	dense.Gate = model.TopKOfSoftmaxNormalized
	int8KV := model.DefaultNumerics(tensor.BF16)
	int8KV.KV, int8KV.FFNActivation = tensor.KVInt8, tensor.BF16
	bf16 := model.DefaultNumerics(tensor.BF16)
	bf16.FFNActivation, bf16.DenseActivation = tensor.BF16, tensor.BF16
	all := []shape{
		{"mixtral", plain, model.DefaultNumerics(plain.DType), plain.DType},
		{"tails", tails, model.DefaultNumerics(tails.DType), tails.DType},
		{"qwen3", dense, model.DefaultNumerics(tensor.F32), dense.DType},
		{"int8 kv", dense, int8KV, dense.DType},
		{"activations of bf16", plain, bf16, plain.DType},
	}
	for _, format := range tensor.Targets() {
		all = append(all, shape{"experts of " + format.String(), tails, model.DefaultNumerics(format), format})
	}
	return all
}

// shapesBF16 are the shapes with rows and activations in bf16, and weights, keys and
// values in bf16 where they were in f32.
func shapesBF16() []shape {
	all := shapes()
	for i := range all {
		s := &all[i]
		s.numerics.Wire, s.numerics.FFNActivation = tensor.BF16, tensor.BF16
		s.cfg.DType = tensor.BF16
		if s.numerics.KV == tensor.KVF32 {
			s.numerics.KV = tensor.KVBF16
		}
		if !s.experts.Quantized() {
			s.experts = tensor.BF16
		}
	}
	return all
}

// weights are random tensors of a model.
type weights struct {
	dense   model.DenseWeights
	experts map[moe.ExpertID]model.ExpertWeights
}

// makeWeights draws weights that keep the scale of a row. Embeddings rise with
// the token, so that scores rise with the position: an order of operations that
// depends on the cut does not hide in noise.
func makeWeights(s shape) weights {
	cfg := s.cfg
	rng := rand.New(rand.NewPCG(7, uint64(cfg.Hidden)))
	random := func(rows, cols int, f func(row, col int, normal float32) float32) tensor.Weight {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = f(i/cols, i%cols, float32(rng.NormFloat64()))
		}
		w := tensor.Weight{DType: cfg.DType, Rows: rows, Cols: cols, Data: make([]byte, cfg.DType.Bytes(rows, cols))}
		tensor.Encode(w.Data, v, w.DType)
		return w
	}
	matrix := func(rows, cols int) tensor.Weight {
		return random(rows, cols, func(_, _ int, n float32) float32 { return n / 6 })
	}
	gain := func(n int) tensor.Weight {
		return random(1, n, func(_, _ int, n float32) float32 { return 1 + n/8 })
	}
	ffn := func(inner int) model.ExpertWeights {
		return model.ExpertWeights{W1: matrix(inner, cfg.Hidden), W3: matrix(inner, cfg.Hidden), W2: matrix(cfg.Hidden, inner)}
	}
	w := weights{experts: map[moe.ExpertID]model.ExpertWeights{}}
	w.dense.Embed = random(cfg.Vocab, cfg.Hidden, func(token, col int, n float32) float32 {
		return n + float32(2*token*(col%2))/float32(cfg.Vocab)
	})
	w.dense.Norm, w.dense.Head = gain(cfg.Hidden), matrix(cfg.Vocab, cfg.Hidden)
	for layer := range cfg.Layers {
		l := model.LayerWeights{
			InputNorm: gain(cfg.Hidden), PostNorm: gain(cfg.Hidden), Q: matrix(cfg.Heads*cfg.HeadDim, cfg.Hidden),
			K: matrix(cfg.KVHeads*cfg.HeadDim, cfg.Hidden), V: matrix(cfg.KVHeads*cfg.HeadDim, cfg.Hidden), O: matrix(cfg.Hidden, cfg.Heads*cfg.HeadDim),
		}
		if cfg.QKNorm {
			l.QNorm, l.KNorm = gain(cfg.HeadDim), gain(cfg.HeadDim)
		}
		if cfg.IsDense(layer) {
			l.Dense = ffn(cfg.DenseFFN)
		} else {
			l.Gate = matrix(cfg.Experts, cfg.Hidden)
		}
		for expert := range cfg.Topology().In(layer) {
			w.experts[moe.ExpertID{Layer: layer, Expert: expert}] = inFormat(ffn(cfg.FFN), s.experts)
		}
		w.dense.Layers = append(w.dense.Layers, l)
	}
	return w
}

// inFormat quantizes an expert.
func inFormat(w model.ExpertWeights, to tensor.DType) model.ExpertWeights {
	if !to.Quantized() {
		return w
	}
	for _, m := range []*tensor.Weight{&w.W1, &w.W2, &w.W3} {
		out := tensor.Weight{DType: to, Rows: m.Rows, Cols: m.Cols, Data: make([]byte, to.Bytes(m.Rows, m.Cols))}
		strips, _ := to.Blocks(m.Rows, m.Cols)
		if err := kernel.Go().Quantize(kernel.NewScratch(), out.Data, to, *m, 0, strips); err != nil {
			panic(err)
		}
		*m = out
	}
	return w
}

// open opens a device until the end of the test.
func open(t *testing.T, b backend.Backend, threads int) backend.Device {
	t.Helper()
	d, err := b.Open(backend.Options{Threads: threads})
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

// openExperts loads all experts until the end of the test.
func openExperts(t *testing.T, d backend.Device, s shape, w weights) backend.Experts {
	t.Helper()
	e, err := d.OpenExperts(s.cfg, s.numerics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, weights := range w.experts {
		if err := e.Load(t.Context(), id, weights); err != nil {
			t.Fatal(err)
		}
	}
	return e
}
