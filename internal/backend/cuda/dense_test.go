package cuda

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
)

// attentionCase is a model of two layers and how its attention is computed.
type attentionCase struct {
	name                    string
	heads, kvHeads, headDim int
	window                  int
	qkNorm                  bool
	kv                      tensor.KVFormat
}

// attentionCases have heads of every width, groups below and above the queries of a
// warp, and windows within a tile and across tiles.
var attentionCases = []attentionCase{
	{"as Mixtral", 4, 1, 128, 0, false, tensor.KVBF16},
	{"as Qwen3, int8", 8, 1, 64, 0, true, tensor.KVInt8},
	{"odd heads in a window", 3, 1, 20, 150, false, tensor.KVBF16},
	{"more queries than a warp has", 20, 1, 32, 0, false, tensor.KVBF16},
	{"a short window, int8", 6, 3, 68, 40, true, tensor.KVInt8},
}

// contextLength crosses the edge of a tile, and within the short window leaves it behind.
const contextLength = tilePositions + 45

func (c attentionCase) config() model.Config {
	return model.Config{Layers: 2, Hidden: 136, FFN: 64, Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.headDim, Vocab: 150, Experts: 5, TopK: 2,
		DenseLayers: []int{1}, DenseFFN: 72, QKNorm: c.qkNorm, SlidingWindow: c.window, RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 1024, DType: tensor.BF16}
}

// weights are random.
func (c attentionCase) weights() model.DenseWeights {
	cfg, rng := c.config(), rand.New(rand.NewPCG(3, 4))
	random := func(rows, cols int, mean, spread float64) tensor.Weight {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32(mean + spread*rng.NormFloat64())
		}
		w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*len(v))}
		tensor.Encode(w.Data, v, tensor.BF16)
		return w
	}
	matrix := func(rows, cols int) tensor.Weight { return random(rows, cols, 0, 1.5/math.Sqrt(float64(cols))) }
	w := model.DenseWeights{Embed: random(cfg.Vocab, cfg.Hidden, 0, 1), Norm: random(1, cfg.Hidden, 1, 0.1), Head: matrix(cfg.Vocab, cfg.Hidden)}
	for layer := range cfg.Layers {
		l := model.LayerWeights{InputNorm: random(1, cfg.Hidden, 1, 0.1), PostNorm: random(1, cfg.Hidden, 1, 0.1),
			Q: matrix(c.heads*c.headDim, cfg.Hidden), K: matrix(c.kvHeads*c.headDim, cfg.Hidden), V: matrix(c.kvHeads*c.headDim, cfg.Hidden), O: matrix(cfg.Hidden, c.heads*c.headDim)}
		if c.qkNorm {
			l.QNorm, l.KNorm = random(1, c.headDim, 1, 0.1), random(1, c.headDim, 1, 0.1)
		}
		if cfg.IsDense(layer) {
			l.Dense = model.ExpertWeights{W1: matrix(cfg.DenseFFN, cfg.Hidden), W3: matrix(cfg.DenseFFN, cfg.Hidden), W2: matrix(cfg.Hidden, cfg.DenseFFN)}
		} else {
			l.Gate = matrix(cfg.Experts, cfg.Hidden)
		}
		w.Layers = append(w.Layers, l)
	}
	return w
}

// open opens a Dense until the end of the test.
func (c attentionCase) open(t *testing.T, b backend.Backend) backend.Dense {
	t.Helper()
	d, err := b.Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	dense, err := d.OpenDense(c.config(), model.Numerics{Wire: tensor.BF16, KV: c.kv, FFNActivation: tensor.BF16, DenseActivation: tensor.F32}, c.weights())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(dense.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := dense.ReserveKV(2 * (contextLength/model.BlockSize + 1)); err != nil {
		t.Fatal(err)
	}
	return dense
}

// sequence says how a sequence is computed.
type sequence struct {
	chunks []int // rows of a step, in turn
	cuts   int   // calls of Attend for a step
	seed   uint64
	// beside is rows of a neighbor that are not numbers, in every step; its page is the
	// one that the sequence gets next.
	beside int
}

// states are, for each position and layer, x and h behind attention and the gate, and
// logits at the end: what a router reads.
func (c attentionCase) states(t *testing.T, d backend.Dense, s sequence) [][]float32 {
	t.Helper()
	blocks := make([]int32, 0, 64)
	for _, b := range rand.New(rand.NewPCG(s.seed, 9)).Perm(2 * (contextLength/model.BlockSize + 1)) {
		blocks = append(blocks, int32(b))
	}
	half := len(blocks) / 2
	out := make([][]float32, contextLength)
	for start, i := 0, 0; start < contextLength; i++ {
		n := min(s.chunks[i%len(s.chunks)], contextLength-start)
		b := &model.Batch{}
		if s.beside > 0 {
			dirty := min((start+n-1)/model.BlockSize+1, half-1)
			neighbor := slices.Clone(blocks[half:])
			if start+n <= dirty*model.BlockSize { // the sequence has not reached its next page: it will not be clean
				neighbor[dirty] = blocks[dirty]
			}
			b.Tokens, b.Spans = make([]int32, s.beside), []model.Span{{Start: dirty * model.BlockSize, N: s.beside, Blocks: neighbor}}
		}
		b.Spans = append(b.Spans, model.Span{Start: start, N: n, Blocks: blocks[:half]})
		for p := start; p < start+n; p++ {
			b.Tokens = append(b.Tokens, int32(p%c.config().Vocab))
			b.Outputs = append(b.Outputs, int32(s.beside+p-start))
		}
		c.step(t, d, b, s, out[start:start+n])
		start += n
	}
	return out
}

// step computes the rows of a batch behind those of the neighbor.
func (c attentionCase) step(t *testing.T, d backend.Dense, b *model.Batch, s sequence, out [][]float32) {
	t.Helper()
	cfg, n := c.config(), len(b.Tokens)
	x, h, gate, logits := tensor.NewMatrix(n, cfg.Hidden), tensor.NewMatrix(n, cfg.Hidden), tensor.NewMatrix(n, cfg.Experts), tensor.NewMatrix(len(b.Outputs), cfg.Vocab)
	if err := d.Embed(b, x); err != nil {
		t.Fatal(err)
	}
	for i := range s.beside {
		for j := range x.Row(i) {
			x.Row(i)[j] = []float32{float32(math.NaN()), float32(math.Inf(1))}[i%2]
		}
	}
	for layer := range cfg.Layers {
		for cut := range s.cuts {
			lo, hi := cut*n/s.cuts, (cut+1)*n/s.cuts
			if err := d.Attend(layer, lo, x.Slice(lo, hi), h.Slice(lo, hi), gate.Slice(lo, hi)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range out {
			out[i] = slices.Concat(out[i], x.Row(s.beside+i), h.Row(s.beside+i), gate.Row(s.beside+i))
		}
		if cfg.IsDense(layer) {
			if err := d.FeedForward(layer, h, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Head(b, x, logits); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		out[i] = append(out[i], logits.Row(i)...)
	}
}

// TestAttentionKeepsARowsBits for every cut of its prompt and of its step, in every
// order of pages, beside rows that are not numbers and in pages that had such rows.
func TestAttentionKeepsARowsBits(t *testing.T) {
	b := withKernel(Backend(Config{Open: openers(t, "")}), "")
	for _, c := range attentionCases {
		t.Run(c.name, func(t *testing.T) {
			d := c.open(t, b)
			want := c.states(t, d, sequence{chunks: []int{contextLength}, cuts: 1})
			for _, s := range []sequence{
				{chunks: []int{1, 1, 1, 60, 1, 1, 62}, cuts: 1, seed: 1, beside: 1}, {chunks: []int{100, 3, 64}, cuts: 2, seed: 2, beside: 5}, {chunks: []int{129}, cuts: 3, seed: 3, beside: 2},
			} {
				for p, got := range c.states(t, d, s) {
					if at := firstDifference(got, want[p]); at >= 0 {
						t.Fatalf("%+v: element %d of position %d is %g, want %g", s, at, p, got[at], want[p][at])
					}
				}
			}
		})
	}
}

// firstDifference is the first element whose bits differ; -1 for none.
func firstDifference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// TestAttentionIsThatOfTheProcessor within the rounding of bf16: what a product reads
// has 8 bits, here as on the processor's wire, and there are six such products.
func TestAttentionIsThatOfTheProcessor(t *testing.T) {
	b := withKernel(Backend(Config{Open: openers(t, "")}), "")
	for _, c := range attentionCases {
		t.Run(c.name, func(t *testing.T) {
			s := sequence{chunks: []int{contextLength}, cuts: 1}
			got, want := c.states(t, c.open(t, b), s), c.states(t, c.open(t, cpu.Backend()), s)
			var difference, all float64
			for p := range want {
				for i, v := range want[p] {
					d := float64(got[p][i] - v)
					difference, all = difference+d*d, all+float64(v)*float64(v)
				}
			}
			rms := math.Sqrt(difference / all)
			t.Logf("rms %.5f of the processor's", rms)
			if !(rms < 0.01) {
				t.Errorf("rms of %g, want less than 0.01", rms)
			}
		})
	}
}

// TestWhatAttentionDoesNotComputeIsRefused names what to change.
func TestWhatAttentionDoesNotComputeIsRefused(t *testing.T) {
	d, err := Backend(Config{Open: openers(t, "")}).Open(backend.Options{Attention: true})
	if err != nil {
		t.Fatal(err)
	}
	c := attentionCases[0]
	for name, change := range map[string]func(*model.Config, *model.Numerics, *model.DenseWeights){
		"rows in f32":                   func(_ *model.Config, n *model.Numerics, _ *model.DenseWeights) { n.Wire = tensor.F32 },
		"--kv-cache-dtype bf16 or int8": func(_ *model.Config, n *model.Numerics, _ *model.DenseWeights) { n.KV = tensor.KVF32 },
		"--ffn-activation-dtype bf16":   func(_ *model.Config, n *model.Numerics, _ *model.DenseWeights) { n.FFNActivation = tensor.F32 },
		"heads of 136 elements":         func(cfg *model.Config, _ *model.Numerics, _ *model.DenseWeights) { cfg.HeadDim = 136 },
		"weights in f16":                func(_ *model.Config, _ *model.Numerics, w *model.DenseWeights) { w.Head.DType = tensor.F16 },
	} {
		cfg, n, w := c.config(), rounded, c.weights()
		change(&cfg, &n, &w)
		var refusal *backend.UnsupportedError
		if _, err := d.OpenDense(cfg, n, w); !errors.As(err, &refusal) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestALostDeviceEndsAttention: a sticky fault, and a kernel that does not end, are lost
// devices, and what is closed afterwards calls no driver.
func TestALostDeviceEndsAttention(t *testing.T) {
	built, c := fakecuda.Need(t), attentionCases[0]
	for _, faults := range []string{"fault-after=10", "hang-after=10"} { // seven launches write images
		lib := fakecuda.Open(t, built, faults)
		d, err := Backend(Config{Open: func() (driver.Library, error) { return lib, nil }, Patience: 50 * time.Millisecond}).Open(backend.Options{Attention: true})
		if err != nil {
			t.Fatal(err)
		}
		dense, err := d.OpenDense(c.config(), rounded, c.weights())
		if err != nil {
			t.Fatal(err)
		}
		if err := dense.ReserveKV(1); err != nil {
			t.Fatal(err)
		}
		b, x := &model.Batch{Tokens: []int32{1}, Spans: []model.Span{{N: 1, Blocks: []int32{0}}}, Outputs: []int32{0}}, tensor.NewMatrix(1, c.config().Hidden)
		if err := dense.Embed(b, x); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			var lost *backend.LostError
			if err := dense.Attend(0, 0, x, x, tensor.NewMatrix(1, c.config().Experts)); !errors.As(err, &lost) {
				t.Errorf("%s, call %d: %v", faults, i, err)
			}
			if err := dense.Head(b, x, tensor.NewMatrix(1, c.config().Vocab)); !errors.As(err, &lost) {
				t.Errorf("%s, logits, call %d: %v", faults, i, err)
			}
		}
		if err := errors.Join(dense.Close(), d.Close()); err != nil {
			t.Errorf("%s, to close: %v", faults, err)
		}
	}
}

// TestTheCacheFitsTheDevice: what is free is the capacity, and a cache beyond it is
// refused in words.
func TestTheCacheFitsTheDevice(t *testing.T) {
	built, c := fakecuda.Need(t), attentionCases[0]
	lib := fakecuda.Open(t, built, "memory=420000000")
	d, err := Backend(Config{Open: func() (driver.Library, error) { return lib, nil }}).Open(backend.Options{Attention: true})
	if err != nil {
		t.Fatal(err)
	}
	dense, err := d.OpenDense(c.config(), rounded, c.weights())
	if err != nil {
		t.Fatal(err)
	}
	free, err := dense.(backend.OwnCache).CacheCapacity()
	if err != nil || free <= 0 || free >= 420000000-margin-partialBytes {
		t.Errorf("capacity %d, %v", free, err)
	}
	blocks := int(free / dense.KVBlockBytes())
	if err := dense.ReserveKV(blocks + margin); !errors.Is(err, &driver.Error{Code: driver.OutOfMemory}) || !strings.Contains(err.Error(), "KV cache of") {
		t.Errorf("a cache too large: %v", err)
	}
	if err := errors.Join(dense.ReserveKV(blocks), dense.ReserveKV(blocks), dense.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}
