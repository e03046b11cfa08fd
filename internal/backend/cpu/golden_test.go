package cpu

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// golden is what testdata/make_goldens.py wrote about one checkpoint.
type golden struct {
	Tokens     []int32   `json:"tokens"` // prompt, then greedy tokens
	Prompt     int       `json:"prompt"`
	GateMargin []float64 `json:"gate_margin"` // per position
	logits     tensor.Matrix
}

func readGolden(t *testing.T, dir string, vocab int) golden {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	g.logits = readLogits(t, filepath.Join(dir, "logits.f32"), len(g.Tokens), vocab)
	return g
}

func readLogits(t *testing.T, path string, rows, cols int) tensor.Matrix {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) != 4*rows*cols {
		t.Fatalf("%s: %d bytes, expected %d", path, len(raw), 4*rows*cols)
	}
	m := tensor.NewMatrix(rows, cols)
	tensor.Decode(m.Data, raw, tensor.F32)
	return m
}

// engine is a whole model in this process.
type engine struct {
	cfg     model.Config
	dense   *Dense
	experts model.Experts
	runner  *pipeline.Runner
}

func openEngine(t *testing.T, dir string, threads int) engine {
	t.Helper()
	return openEngineWith(t, dir, PoolOptions{Threads: threads})
}

func openEngineWith(t *testing.T, dir string, o PoolOptions) engine {
	t.Helper()
	return openEngineOf(t, dir, o, model.Overrides{})
}

func openEngineOf(t *testing.T, dir string, o PoolOptions, with model.Overrides) engine {
	t.Helper()
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	dense, err := ckpt.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dense.Close() })
	cfg, pool := ckpt.Config(), NewPool(o)
	t.Cleanup(pool.Close)
	numerics, err := model.DefaultNumerics(cfg.DType).With(with)
	if err != nil {
		t.Fatal(err)
	}
	ffn := NewExperts(cfg, numerics, pool)
	for _, id := range cfg.Topology().All() {
		m, err := ckpt.MapExpert(id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		if err := ffn.Load(t.Context(), id, m.Weights); err != nil {
			t.Fatal(err)
		}
	}
	d := newDense(t, cfg, dense.Weights, DenseOptions{Numerics: numerics, Blocks: 64}, pool)
	experts := &backend.Local{FFN: ffn, Wire: numerics.Wire}
	return engine{cfg, d, experts, pipeline.New(cfg, d, experts, pipeline.MicroBatcher{})}
}

// logits runs tokens in chunks and returns the logits of every position. The
// block table is the order in which blocks are used.
func (e engine) logits(t *testing.T, tokens []int32, blocks []int32, chunks []int) tensor.Matrix {
	t.Helper()
	out := tensor.NewMatrix(len(tokens), e.cfg.Vocab)
	start := 0
	for i := 0; start < len(tokens); i++ {
		n := min(chunks[i%len(chunks)], len(tokens)-start)
		b := &model.Batch{Tokens: tokens[start : start+n], Spans: []model.Span{{Start: start, N: n, Blocks: blocks}}}
		for row := range n {
			b.Outputs = append(b.Outputs, int32(row))
		}
		part := tensor.Matrix{Rows: n, Cols: out.Cols, Stride: out.Stride, Data: out.Data[start*out.Stride:]}
		if err := e.runner.Forward(t.Context(), b, part); err != nil {
			t.Fatal(err)
		}
		start += n
	}
	return out
}

func ascending(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func goldenDirs(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*/golden.json")
	if err != nil || len(found) < 7 {
		t.Fatalf("%d goldens, expected at least 7: %v", len(found), err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found
}

func argmax(row []float32) int32 {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return int32(best)
}

func TestLogitsEqualTransformers(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			e := openEngine(t, dir, 2)
			g := readGolden(t, dir, e.cfg.Vocab)
			got := e.logits(t, g.Tokens, ascending(64), []int{len(g.Tokens)})
			if e.cfg.DType == tensor.BF16 {
				compareBF16(t, dir, g, got)
				return
			}
			for p := range g.Tokens {
				worst, largest := 0.0, 0.0
				for i, want := range g.logits.Row(p) {
					worst = math.Max(worst, math.Abs(float64(got.Row(p)[i]-want)))
					largest = math.Max(largest, math.Abs(float64(want)))
				}
				if worst/largest > 1e-4 {
					t.Errorf("position %d: relative difference %.2g, expected at most 1e-4", p, worst/largest)
				}
			}
			compareGreedy(t, g, got)
		})
	}
}

// compareGreedy checks that the argmax at every position after the prompt is
// the next golden token.
func compareGreedy(t *testing.T, g golden, got tensor.Matrix) {
	t.Helper()
	for p := g.Prompt - 1; p+1 < len(g.Tokens); p++ {
		if token := argmax(got.Row(p)); token != g.Tokens[p+1] {
			t.Errorf("greedy token after position %d is %d, expected %d", p, token, g.Tokens[p+1])
		}
	}
}

// compareBF16 holds our rounding points against transformers' own bf16 run,
// both measured from transformers in f32 on the same weights.
func compareBF16(t *testing.T, dir string, g golden, got tensor.Matrix) {
	t.Helper()
	theirs := readLogits(t, filepath.Join(dir, "logits-bf16-run.f32"), len(g.Tokens), got.Cols)
	const safe = 0.05
	var ours2, theirs2 float64
	positions := 0
	for p, margin := range g.GateMargin {
		if margin < safe {
			continue
		}
		positions++
		for i, want := range g.logits.Row(p) {
			ours2 += math.Pow(float64(got.Row(p)[i]-want), 2)
			theirs2 += math.Pow(float64(theirs.Row(p)[i]-want), 2)
		}
	}
	n := float64(positions * got.Cols)
	ours, reference := math.Sqrt(ours2/n), math.Sqrt(theirs2/n)
	t.Logf("rms error %.4g, transformers' own bf16 run %.4g, %d safe positions", ours, reference, positions)
	if positions < len(g.Tokens)/2 {
		t.Errorf("only %d of %d positions have a safe routing margin", positions, len(g.Tokens))
	}
	if ours > reference {
		t.Errorf("rms error %.4g, expected at most that of transformers' own bf16 run, %.4g", ours, reference)
	}
}

// TestActivationsOfBF16: transformers' bf16 run rounds at these points as well, so the
// error stays below that run's, and rows stay apart.
func TestActivationsOfBF16(t *testing.T) {
	for name, o := range map[string]model.Overrides{
		"ffn": {FFNActivation: "bf16"}, "dense": {DenseActivation: "bf16"}, "both": {FFNActivation: "bf16", DenseActivation: "bf16"},
	} {
		t.Run(name, func(t *testing.T) { activationsOfBF16(t, o) })
	}
}

func activationsOfBF16(t *testing.T, o model.Overrides) {
	t.Helper()
	tried := 0
	for _, dir := range goldenDirs(t) {
		e := openEngineOf(t, dir, PoolOptions{Threads: 2}, o)
		if e.cfg.DType != tensor.BF16 {
			continue
		}
		tried++
		t.Run(filepath.Base(dir), func(t *testing.T) {
			g := readGolden(t, dir, e.cfg.Vocab)
			got := e.logits(t, g.Tokens, ascending(64), []int{len(g.Tokens)})
			compareBF16(t, dir, g, got)
			if slices.Equal(got.Data, openEngine(t, dir, 2).logits(t, g.Tokens, ascending(64), []int{len(g.Tokens)}).Data) {
				t.Error("the logits of f32: it was not put to use")
			}
			for _, k := range kernel.Available() {
				e := openEngineOf(t, dir, PoolOptions{Threads: 3, Kernels: k}, o)
				again := e.logits(t, g.Tokens, ascending(64), []int{1, 7, 16})
				for i := range got.Data {
					if math.Float32bits(again.Data[i]) != math.Float32bits(got.Data[i]) {
						t.Fatalf("%s, other chunks and threads: logit %d is %g, expected %g", k.Name(), i, again.Data[i], got.Data[i])
					}
				}
			}
		})
	}
	if tried == 0 {
		t.Error("no checkpoint of bf16")
	}
}

func TestChunksThreadsAndBlocksDoNotChangeABit(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			e := openEngine(t, dir, 1)
			g := readGolden(t, dir, e.cfg.Vocab)
			want := e.logits(t, g.Tokens, ascending(64), []int{len(g.Tokens)})
			shuffled := []int32{9, 3, 61, 0, 17, 40, 5, 33}
			for _, chunks := range [][]int{{1}, {7}, {16}, {15, 1, 33}, {len(g.Tokens)}} {
				for _, threads := range []int{1, 3} {
					got := openEngine(t, dir, threads).logits(t, g.Tokens, shuffled, chunks)
					for i := range want.Data {
						if math.Float32bits(got.Data[i]) != math.Float32bits(want.Data[i]) {
							t.Fatalf("chunks %v, %d threads: logit %d of position %d is %g, expected %g",
								chunks, threads, i%want.Cols, i/want.Cols, got.Data[i], want.Data[i])
						}
					}
				}
			}
		})
	}
}

func TestMicroBatchesDoNotChangeABit(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			e := openEngine(t, dir, 2)
			g := readGolden(t, dir, e.cfg.Vocab)
			want := e.logits(t, g.Tokens, ascending(64), []int{len(g.Tokens)})
			for parts := 1; parts <= pipeline.MaxMicroBatches; parts++ {
				e.runner = pipeline.New(e.cfg, e.dense, e.experts, pipeline.MicroBatcher{Fixed: parts})
				// Chunks of 1 and 3 rows are smaller than the number of parts.
				got := e.logits(t, g.Tokens, ascending(64), []int{19, 1, 3, 33})
				for i := range want.Data {
					if math.Float32bits(got.Data[i]) != math.Float32bits(want.Data[i]) {
						t.Fatalf("%d parts: logit %d of position %d is %g, expected %g", parts, i%want.Cols, i/want.Cols, got.Data[i], want.Data[i])
					}
				}
			}
		})
	}
}

func TestEveryKernelGivesTheSameLogits(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want tensor.Matrix
			for _, k := range append([]*kernel.Kernels{kernel.Go()}, kernel.Available()...) {
				e := openEngineWith(t, dir, PoolOptions{Threads: 2, Kernels: k})
				g := readGolden(t, dir, e.cfg.Vocab)
				got := e.logits(t, g.Tokens, ascending(64), []int{13, len(g.Tokens)})
				if want.Data == nil {
					want = got
				}
				for i := range want.Data {
					if math.Float32bits(got.Data[i]) != math.Float32bits(want.Data[i]) {
						t.Fatalf("%s: logit %d of position %d is %g, the reference gives %g",
							k.Name(), i%want.Cols, i/want.Cols, got.Data[i], want.Data[i])
					}
				}
			}
		})
	}
}

func TestRowsDoNotDependOnOtherRows(t *testing.T) {
	dir := goldenDirs(t)[0]
	e := openEngine(t, dir, 2)
	g := readGolden(t, dir, e.cfg.Vocab)
	alone := e.logits(t, g.Tokens, ascending(8), []int{len(g.Tokens)})
	// The same sequence again, in one batch with others that start elsewhere.
	n := len(g.Tokens)
	b := &model.Batch{}
	for i, from := range []int{5, 0, 20} {
		blocks := make([]int32, 8)
		for j := range blocks {
			blocks[j] = int32(8*i + j)
		}
		b.Tokens = append(b.Tokens, g.Tokens[from:]...)
		b.Spans = append(b.Spans, model.Span{N: n - from, Blocks: blocks})
	}
	for row := range n {
		b.Outputs = append(b.Outputs, int32(n-5+row))
	}
	got := tensor.NewMatrix(n, e.cfg.Vocab)
	if err := e.runner.Forward(t.Context(), b, got); err != nil {
		t.Fatal(err)
	}
	for i := range got.Data {
		if math.Float32bits(got.Data[i]) != math.Float32bits(alone.Data[i]) {
			t.Fatalf("logit %d differs in company: %g, alone %g", i, got.Data[i], alone.Data[i])
		}
	}
}

func TestBadBatchesAreRefused(t *testing.T) {
	e := openEngine(t, goldenDirs(t)[0], 1)
	for name, b := range map[string]*model.Batch{
		"token outside the vocabulary": {Tokens: []int32{int32(e.cfg.Vocab)}, Spans: []model.Span{{N: 1, Blocks: []int32{0}}}},
		"negative token":               {Tokens: []int32{-1}, Spans: []model.Span{{N: 1, Blocks: []int32{0}}}},
		"short block table":            {Tokens: []int32{1}, Spans: []model.Span{{Start: 16, N: 1, Blocks: []int32{0}}}},
		"spans and tokens disagree":    {Tokens: []int32{1}, Spans: []model.Span{{N: 2, Blocks: []int32{0}}}},
	} {
		if err := e.runner.Forward(t.Context(), b, tensor.NewMatrix(1, e.cfg.Vocab)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
