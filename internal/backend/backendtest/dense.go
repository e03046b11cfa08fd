package backendtest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// positions is the length of the tested sequence: more than four blocks, and no
// multiple of one.
const positions = 75

// kvBlocks is room for the sequence and for its neighbor.
const kvBlocks = 12

// whole is a model on one device.
type whole struct {
	shape
	dense   model.Dense
	experts model.Experts
	parts   int // micro-batches of a step
	// wants says whether the logits of a position are wanted; nil wants all.
	wants func(position int) bool
}

func openWhole(t *testing.T, d backend.Device, s shape, w weights, parts int) whole {
	t.Helper()
	dense, err := d.OpenDense(s.cfg, s.numerics, w.dense)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dense.Close(); err != nil {
			t.Error(err)
		}
	})
	// A block holds at least a byte per element of its keys and values.
	if got, least := dense.KVBlockBytes(), int64(s.cfg.Layers*2*model.BlockSize*s.cfg.KVHeads*s.cfg.HeadDim); got < least {
		t.Errorf("a KV block of %d bytes, want at least %d", got, least)
	}
	if err := dense.ReserveKV(kvBlocks); err != nil {
		t.Fatal(err)
	}
	experts := &backend.Local{FFN: openExperts(t, d, s, w), Wire: s.numerics.Wire}
	return whole{shape: s, dense: dense, experts: experts, parts: parts}
}

// forward runs one step, each layer in micro-batches.
func (m whole) forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	n := len(b.Tokens)
	x, h, gate := tensor.NewMatrix(n, m.cfg.Hidden), tensor.NewMatrix(n, m.cfg.Hidden), tensor.NewMatrix(n, m.cfg.Experts)
	if err := m.dense.Embed(b, x); err != nil {
		return err
	}
	for layer := range m.cfg.Layers {
		for i := range m.parts {
			lo, hi := i*n/m.parts, (i+1)*n/m.parts
			if err := m.layer(ctx, b, layer, lo, x.Slice(lo, hi), h.Slice(lo, hi), gate.Slice(lo, hi)); err != nil {
				return err
			}
		}
	}
	if len(b.Outputs) == 0 {
		return nil
	}
	return m.dense.Head(b, x, logits)
}

// layer computes one layer of rows first, first+1, ... of a step: in the last layer,
// behind attention, of those among b.Outputs.
func (m whole) layer(ctx context.Context, b *model.Batch, layer, first int, x, h, gate tensor.Matrix) error {
	if x.Rows == 0 {
		return nil
	}
	if err := m.dense.Attend(layer, first, x, h, gate); err != nil {
		return err
	}
	if layer < m.cfg.Layers-1 {
		return m.feedForward(ctx, layer, x, h, gate)
	}
	var wanted []int
	for _, row := range b.Outputs {
		if i := int(row) - first; 0 <= i && i < x.Rows {
			wanted = append(wanted, i)
		}
	}
	out := pick(x, wanted)
	if err := m.feedForward(ctx, layer, out, pick(h, wanted), pick(gate, wanted)); err != nil {
		return err
	}
	for i, row := range wanted {
		copy(x.Row(row), out.Row(i))
	}
	return nil
}

// pick copies some rows.
func pick(from tensor.Matrix, rows []int) tensor.Matrix {
	out := tensor.NewMatrix(len(rows), from.Cols)
	for i, row := range rows {
		copy(out.Row(i), from.Row(row))
	}
	return out
}

// feedForward is what a layer does behind attention.
func (m whole) feedForward(ctx context.Context, layer int, x, h, gate tensor.Matrix) error {
	if x.Rows == 0 {
		return nil
	}
	if m.cfg.IsDense(layer) {
		return m.dense.FeedForward(layer, h, x)
	}
	var r moe.Routing
	if err := model.Gate(m.cfg.Gate, gate, m.cfg.TopK, &r); err != nil {
		return err
	}
	return m.experts.Forward(ctx, layer, h, r, x)
}

// logits computes a sequence in chunks, beside rows of a neighbor, with the
// blocks of both in the order of a seed. Those that are not wanted stay zero.
func (m whole) logits(t *testing.T, chunks []int, seed uint64) tensor.Matrix {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	var blocks []int32
	for _, b := range rng.Perm(kvBlocks) {
		blocks = append(blocks, int32(b))
	}
	mine, neighbor := blocks[:kvBlocks/2], blocks[kvBlocks/2:]
	out := tensor.NewMatrix(positions, m.cfg.Vocab)
	for start, i := 0, 0; start < positions; i++ {
		n := min(chunks[i%len(chunks)], positions-start)
		beside := min(i%3, start)
		b := &model.Batch{}
		if beside > 0 {
			b.Tokens, b.Spans = slices.Repeat([]int32{5}, beside), []model.Span{{Start: start - beside, N: beside, Blocks: neighbor}}
		}
		b.Spans = append(b.Spans, model.Span{Start: start, N: n, Blocks: mine})
		for p := start; p < start+n; p++ {
			b.Tokens = append(b.Tokens, m.token(p))
			if m.wants == nil || m.wants(p) {
				b.Outputs = append(b.Outputs, int32(beside+p-start))
			}
		}
		logits := tensor.NewMatrix(len(b.Outputs), m.cfg.Vocab)
		if err := m.forward(t.Context(), b, logits); err != nil {
			t.Fatal(err)
		}
		for i, row := range b.Outputs {
			copy(out.Row(start+int(row)-beside), logits.Row(i))
		}
		start += n
	}
	return out
}

// token rises with the position.
func (s shape) token(position int) int32 { return int32(position * s.cfg.Vocab / positions) }

// testCuts computes a sequence row by row, in chunks across the edges of
// blocks, in micro-batches and whole.
func testCuts(t *testing.T, b backend.Backend, s shape, w weights) {
	want := openWhole(t, open(t, b, 1), s, w, 1).logits(t, []int{positions}, 0)
	for i, chunks := range [][]int{{1}, {16}, {15, 1, 33}, {17, 2}} {
		got := openWhole(t, open(t, b, 1+i%3), s, w, 1+i%2).logits(t, chunks, uint64(i))
		sameBits(t, got, want)
		if t.Failed() {
			t.Fatalf("chunks of %v", chunks)
		}
	}
	testWanted(t, b, s, w, want)
}

// testWanted leaves out logits: between others, before the last of a prompt, of whole
// steps and micro-batches. The keys and values of such rows are read by later ones.
func testWanted(t *testing.T, b backend.Backend, s shape, w weights, all tensor.Matrix) {
	for i, c := range []struct {
		name   string
		chunks []int
		parts  int
		wants  func(position int) bool
	}{
		{"the last", []int{positions}, 1, func(p int) bool { return p == positions-1 }},
		{"the last, in chunks", []int{20}, 2, func(p int) bool { return p == positions-1 }},
		{"some between others", []int{38, 7}, 3, func(p int) bool { return p%5 == 2 || p >= 44 && p < 51 }},
	} {
		t.Run("wanted: "+c.name, func(t *testing.T) {
			m := openWhole(t, open(t, b, 1+i), s, w, c.parts)
			m.wants = c.wants
			want := tensor.NewMatrix(all.Rows, all.Cols)
			for p := range positions {
				if c.wants(p) {
					copy(want.Row(p), all.Row(p))
				}
			}
			sameBits(t, m.logits(t, c.chunks, uint64(i)), want)
		})
	}
}

// testLogits compares with float64 where nothing is rounded below f32.
func testLogits(t *testing.T, b backend.Backend, s shape, w weights) {
	if s.numerics != model.DefaultNumerics(tensor.F32) {
		t.Skip("rounded below f32")
	}
	got := openWhole(t, open(t, b, 2), s, w, 1).logits(t, []int{13}, 1)
	tokens := make([]int32, positions)
	for p := range tokens {
		tokens[p] = s.token(p)
	}
	for p, want := range forward(s.cfg, w, tokens) {
		compare(t, got.Row(p), want, 1e-4)
	}
}

func testBatches(t *testing.T, b backend.Backend, s shape, w weights) {
	m := openWhole(t, open(t, b, 1), s, w, 1)
	for name, batch := range map[string]*model.Batch{
		"a token outside the vocabulary": {Tokens: []int32{int32(s.cfg.Vocab)}, Spans: []model.Span{{N: 1, Blocks: []int32{0}}}},
		"a negative token":               {Tokens: []int32{-1}, Spans: []model.Span{{N: 1, Blocks: []int32{0}}}},
		"a short block table":            {Tokens: []int32{1}, Spans: []model.Span{{Start: 16, N: 1, Blocks: []int32{0}}}},
		"spans of other rows":            {Tokens: []int32{1}, Spans: []model.Span{{N: 2, Blocks: []int32{0}}}},
	} {
		if err := m.forward(t.Context(), batch, tensor.NewMatrix(1, s.cfg.Vocab)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// SameBits tests that two backends name one family and compute the same bits.
func SameBits(t *testing.T, a, b backend.Backend) { compareBits(t, a, b, shapes()) }

// SameBitsBF16 compares two backends as SameBits does, with rows and activations in
// bf16.
func SameBitsBF16(t *testing.T, a, b backend.Backend) { compareBits(t, a, b, shapesBF16()) }

func compareBits(t *testing.T, a, b backend.Backend, all []shape) {
	if x, y := open(t, a, 1).Info().FamilyWith(""), open(t, b, 1).Info().FamilyWith(""); x != y {
		t.Errorf("%s is of family %s, %s of %s", a.Name, x, b.Name, y)
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			w := makeWeights(s)
			want := openWhole(t, open(t, a, 2), s, w, 1).logits(t, []int{9, 1}, 1)
			sameBits(t, openWhole(t, open(t, b, 2), s, w, 1).logits(t, []int{20}, 2), want)
		})
	}
}

func sameBits(t *testing.T, got, want tensor.Matrix) {
	t.Helper()
	for i := range want.Data {
		if math.Float32bits(got.Data[i]) != math.Float32bits(want.Data[i]) {
			t.Fatalf("logit %d of position %d is %g, want %g, bit for bit", i%want.Cols, i/want.Cols, got.Data[i], want.Data[i])
		}
	}
}
