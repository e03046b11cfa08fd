package cpu

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// randomDense has the same random weights in every layer. Scores rise with the token.
func randomDense(t testing.TB, p *Pool, cfg model.Config, opts DenseOptions) *Dense {
	rng := rand.New(rand.NewPCG(21, 22))
	random := func(rows, cols int, shape func(row int, v []float32)) tensor.Weight {
		w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*rows*cols)}
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32(rng.NormFloat64()) / 4
		}
		for r := range rows {
			shape(r, v[r*cols:(r+1)*cols])
		}
		tensor.Encode(w.Data, v, w.DType)
		return w
	}
	as := func(int, []float32) {}
	ones := func(_ int, v []float32) {
		for i := range v {
			v[i] = 1
		}
	}
	// The last pair of a head turns slowest. Its query is about constant, its
	// key rises with the token.
	slow := func(from int) func(int, []float32) {
		return func(row int, v []float32) {
			if row%cfg.HeadDim == cfg.HeadDim-1 {
				v[from] += 3
			}
		}
	}
	q, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	return newDense(t, cfg, model.DenseWeights{
		Embed: random(cfg.Vocab, cfg.Hidden, func(token int, v []float32) { v[0], v[1] = 2, 2*float32(token)/float32(cfg.Vocab) }),
		Norm:  random(1, cfg.Hidden, ones), Head: random(cfg.Vocab, cfg.Hidden, as),
		Layers: slices.Repeat([]model.LayerWeights{{
			InputNorm: random(1, cfg.Hidden, ones), PostNorm: random(1, cfg.Hidden, ones), Q: random(q, cfg.Hidden, slow(0)),
			K: random(kv, cfg.Hidden, slow(1)), V: random(kv, cfg.Hidden, as), O: random(cfg.Hidden, q, as), Gate: random(cfg.Experts, cfg.Hidden, as),
		}}, cfg.Layers),
	}, opts, p)
}

// attendCut computes a sequence of n rows, cut at random, through blocks in
// random order, beside rows of another sequence, and returns x, h and gate of
// its rows.
func attendCut(t *testing.T, d *Dense, rng *rand.Rand, n int, pieces []int) []float32 {
	t.Helper()
	perm, need := rng.Perm(d.opts.Blocks), n/model.BlockSize+1
	var blocks, others []int32
	for i, b := range perm[:2*need] {
		if i < need {
			blocks = append(blocks, int32(b))
		} else {
			others = append(others, int32(b))
		}
	}
	var out []float32
	for start, i := 0, 0; start < n; i++ {
		rows := min(pieces[i%len(pieces)], n-start)
		beside := min(i%3, start) // decode rows of the other sequence
		b := &model.Batch{}
		for j := range beside {
			b.Spans = append(b.Spans, model.Span{Start: j, N: 1, Blocks: others})
			b.Tokens = append(b.Tokens, int32(j))
		}
		b.Spans = append(b.Spans, model.Span{Start: start, N: rows, Blocks: blocks})
		for j := range rows {
			b.Tokens = append(b.Tokens, int32((start+j)*d.cfg.Vocab/n))
			b.Outputs = append(b.Outputs, int32(beside+j))
		}
		all := len(b.Tokens)
		x, h, gate := tensor.NewMatrix(all, d.cfg.Hidden), tensor.NewMatrix(all, d.cfg.Hidden), tensor.NewMatrix(all, d.cfg.Experts)
		for _, err := range []error{d.Embed(b, x), d.Attend(0, 0, x, h, gate)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for r := beside; r < all; r++ {
			out = append(append(append(out, x.Row(r)...), h.Row(r)...), gate.Row(r)...)
		}
		start += rows
	}
	return out
}

// TestAttentionDoesNotDependOnTheCut: row by row, in chunks that cross the edges
// of tiles, or whole; whatever computes beside it, on any number of threads.
func TestAttentionDoesNotDependOnTheCut(t *testing.T) {
	const n = 150
	for _, kv := range []tensor.KVFormat{tensor.KVF32, tensor.KVBF16, tensor.KVInt8} {
		for _, c := range []struct{ heads, kvHeads, dim, window int }{{4, 2, 16, 0}, {4, 4, 12, 37}, {8, 1, 20, 16}, {6, 2, 32, 1}} {
			cfg := model.Config{Layers: 1, Hidden: 64, Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.dim, Vocab: 200, Experts: 4, TopK: 2,
				RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 1024, DType: tensor.BF16, SlidingWindow: c.window}
			var want []float32
			for i, pieces := range [][]int{{1}, {n}, {7}, {16}, {17, 1, 40}, {15, 2}} {
				p := NewPool(PoolOptions{Threads: 1 + i%3})
				d := randomDense(t, p, cfg, DenseOptions{Numerics: model.Numerics{Wire: tensor.BF16, KV: kv, DenseActivation: tensor.F32}, Blocks: 32})
				got := attendCut(t, d, rand.New(rand.NewPCG(uint64(i), 1)), n, pieces)
				p.Close()
				if i == 0 {
					want = got
				}
				for j := range want {
					if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
						t.Fatalf("%v, %+v, pieces of %v: element %d is %g, row by row %g", kv, c, pieces, j, got[j], want[j])
					}
				}
			}
		}
	}
}

// TestTheLastLayerAttendsForWantedRowsOnly: those have the bits that they have among
// others that are wanted too. Of the rest, keys and values are written, and no more.
func TestTheLastLayerAttendsForWantedRowsOnly(t *testing.T) {
	const n = 77
	for _, kv := range []tensor.KVFormat{tensor.KVBF16, tensor.KVInt8} {
		for _, window := range []int{0, 19} {
			cfg := model.Config{Layers: 1, Hidden: 64, Heads: 6, KVHeads: 2, HeadDim: 20, Vocab: 200, Experts: 4, TopK: 2,
				RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 1024, DType: tensor.BF16, SlidingWindow: window}
			p := NewPool(PoolOptions{Threads: 3})
			numerics := model.Numerics{Wire: tensor.BF16, KV: kv, DenseActivation: tensor.F32}
			all := randomDense(t, p, cfg, DenseOptions{Numerics: numerics, Blocks: 8})
			want := attendTogether(t, all, n, ascending(n), 1)
			for i, outputs := range [][]int32{nil, {0}, {n - 1}, {0, 1, 18, 19, 20, 34, 50, 51, n - 1}, ascending(n)} {
				some := randomDense(t, p, cfg, DenseOptions{Numerics: numerics, Blocks: 8})
				got := attendTogether(t, some, n, outputs, 1+i%3)
				if a, b := all.kv[0], some.kv[0]; !bytes.Equal(a.k, b.k) || !bytes.Equal(a.v, b.v) || !slices.Equal(a.ks, b.ks) || !slices.Equal(a.vs, b.vs) {
					t.Errorf("%v, window %d, outputs %v: other keys or values than with all rows wanted", kv, window, outputs)
				}
				for row := range n {
					if wanted := slices.Contains(outputs, int32(row)); wanted && !slices.Equal(got[row], want[row]) || !wanted && got[row] != nil {
						t.Errorf("%v, window %d, outputs %v: row %d is another than with all rows wanted, or was computed though it is not wanted", kv, window, outputs, row)
					}
				}
			}
			p.Close()
		}
	}
}

// attendTogether computes a decode row and two prompts in some calls, and returns x, h
// and gate of its rows; nil of a row that was not touched.
func attendTogether(t *testing.T, d *Dense, n int, outputs []int32, calls int) [][]float32 {
	t.Helper()
	b := &model.Batch{Outputs: outputs, Spans: []model.Span{{Start: 3, N: 1, Blocks: []int32{2}}, {Start: 0, N: 19, Blocks: []int32{7, 0}}, {Start: 5, N: n - 20, Blocks: []int32{1, 6, 3, 5}}}}
	for i := range n {
		b.Tokens = append(b.Tokens, int32(i*d.cfg.Vocab/n))
	}
	x, h, gate := tensor.NewMatrix(n, d.cfg.Hidden), tensor.NewMatrix(n, d.cfg.Hidden), tensor.NewMatrix(n, d.cfg.Experts)
	if err := d.Embed(b, x); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(x.Data)
	for i := range calls {
		lo, hi := i*n/calls, (i+1)*n/calls
		if err := d.Attend(0, lo, x.Slice(lo, hi), h.Slice(lo, hi), gate.Slice(lo, hi)); err != nil {
			t.Fatal(err)
		}
	}
	out := make([][]float32, n)
	for i := range out {
		untouched := slices.Equal(x.Row(i), before[i*x.Cols:(i+1)*x.Cols])
		if row := slices.Concat(h.Row(i), gate.Row(i)); !untouched || slices.Max(row) != 0 || slices.Min(row) != 0 {
			out[i] = slices.Concat(x.Row(i), row)
		}
	}
	return out
}

// TestPiecesCoverEveryPairOnce counts what the workers of a split compute.
func TestPiecesCoverEveryPairOnce(t *testing.T) {
	d := &Dense{cfg: model.Config{KVHeads: 3}}
	for span, rows := range [][2]int{{5, 1}, {14, 40}, {0, 1}, {32, 16}} {
		for i := range rows[1] {
			d.s.rows = append(d.s.rows, rowAt{span: span, position: rows[0] + i})
		}
	}
	for first := range 20 {
		d.s.queries = d.s.queries[:0]
		for i := range len(d.s.rows) - first {
			if first%2 == 0 || i%7 < 4 { // all, or some with others between them
				d.s.queries = append(d.s.queries, int32(i))
			}
		}
		n, cost := len(d.s.queries), d.cutPieces(first)
		for parts := 1; parts < 9; parts++ {
			seen := map[[2]int]int{}
			for i := range parts {
				lo, hi := i*3*cost/parts, (i+1)*3*cost/parts
				d.step.cost = cost
				d.eachPiece(lo, hi, func(p piece, head int) {
					for r := range p.n {
						seen[[2]int{head, p.row + r}]++
						if at := d.s.rows[first+int(d.s.queries[p.row+r])].position; at != p.position+r || at/model.BlockSize != p.lastTile() {
							t.Fatalf("query %d stands at %d, not in a piece from %d", p.row+r, at, p.position)
						}
					}
				})
			}
			for pair, times := range seen {
				if times != 1 {
					t.Fatalf("head and row %v were computed %d times", pair, times)
				}
			}
			if len(seen) != 3*n {
				t.Fatalf("%d pairs, want %d", len(seen), 3*n)
			}
		}
	}
}

// BenchmarkAttend is a layer of attention of the dimensions of `small`, at
// several positions: a piece of a prompt, and rows of 8 sequences. Layers take
// turns, so that keys and values come from memory as they do in a model.
func BenchmarkAttend(b *testing.B) {
	cfg := model.Config{Layers: 8, Hidden: 1024, Heads: 16, KVHeads: 4, HeadDim: 64, Vocab: 100, Experts: 8, TopK: 2,
		RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 8192, DType: tensor.BF16}
	for _, kv := range []tensor.KVFormat{tensor.KVBF16, tensor.KVInt8} {
		for _, shape := range []struct{ sequences, rows int }{{1, 16}, {8, 1}} {
			for _, position := range []int{0, 2000, 4000} {
				b.Run(fmt.Sprintf("%v/%dx%d at %d", kv, shape.sequences, shape.rows, position), func(b *testing.B) {
					p := NewPool(PoolOptions{})
					defer p.Close()
					blocks := position/model.BlockSize + 2
					d := randomDense(b, p, cfg, DenseOptions{Numerics: model.Numerics{Wire: tensor.BF16, KV: kv, DenseActivation: tensor.F32}, Blocks: shape.sequences * blocks})
					for i := range d.kv { // memory that was never written is one page of zeros
						for _, mem := range [][]byte{d.kv[i].k, d.kv[i].v} {
							for j := range mem {
								mem[j] = byte(j) & 0x3f
							}
						}
					}
					batch := &model.Batch{}
					for s := range shape.sequences {
						span := model.Span{Start: position, N: shape.rows}
						for i := range blocks {
							span.Blocks = append(span.Blocks, int32(s*blocks+i))
						}
						batch.Spans = append(batch.Spans, span)
						batch.Tokens = append(batch.Tokens, make([]int32, shape.rows)...)
					}
					for i := range batch.Tokens {
						batch.Outputs = append(batch.Outputs, int32(i))
					}
					rows := len(batch.Tokens)
					x, h, gate := tensor.NewMatrix(rows, cfg.Hidden), tensor.NewMatrix(rows, cfg.Hidden), tensor.NewMatrix(rows, cfg.Experts)
					layer := 0
					for b.Loop() {
						if err := d.Embed(batch, x); err != nil {
							b.Fatal(err)
						}
						if err := d.Attend(layer%cfg.Layers, 0, x, h, gate); err != nil {
							b.Fatal(err)
						}
						layer++
					}
				})
			}
		}
	}
}
