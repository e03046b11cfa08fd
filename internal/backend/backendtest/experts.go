package backendtest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Run tests a backend.
func Run(t *testing.T, b backend.Backend) { run(t, b, shapes()) }

// RunBF16 tests a backend whose experts take rows and activations in bf16 only. It
// refuses every other rounding point by a *backend.UnsupportedError.
func RunBF16(t *testing.T, b backend.Backend) {
	t.Run("other rounding points are refused", func(t *testing.T) { testUnsupported(t, b) })
	run(t, b, shapesBF16())
}

func run(t *testing.T, b backend.Backend, all []shape) {
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			w := makeWeights(s)
			t.Run("experts do not depend on their rows", func(t *testing.T) { testRows(t, b, s, w) })
			t.Run("experts equal float64", func(t *testing.T) { testExpertValues(t, b, s, w) })
			t.Run("experts come and go", func(t *testing.T) { testLife(t, b, s, w) })
			t.Run("experts refuse what is not theirs", func(t *testing.T) { testRefusals(t, b, s, w) })
			t.Run("experts are safe for concurrent use", func(t *testing.T) { testConcurrent(t, b, s, w) })
			t.Run("logits do not depend on the cut", func(t *testing.T) { testCuts(t, b, s, w) })
			t.Run("logits equal float64", func(t *testing.T) { testLogits(t, b, s, w) })
			t.Run("dense refuses bad batches", func(t *testing.T) { testBatches(t, b, s, w) })
		})
	}
}

// rows are n random rows on the wire. Every 13th is full of what is not a
// number: such a row must spoil nothing but itself.
func (s shape) rows(n int, seed uint64) []byte {
	rng, v := rand.New(rand.NewPCG(seed, 3)), make([]float32, n*s.cfg.Hidden)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
		if i/s.cfg.Hidden%13 == 12 {
			v[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), -1e38}[i%3]
		}
	}
	x := make([]byte, n*s.rowBytes())
	tensor.Encode(x, v, s.numerics.Wire)
	return x
}

func (s shape) rowBytes() int { return s.cfg.Hidden * s.numerics.Wire.Size() }

// row is row i of x.
func (s shape) row(x []byte, i int) []byte { return x[i*s.rowBytes() : (i+1)*s.rowBytes()] }

// call gives row r of n to experts r%2, and r%3+1 where there is one.
func (s shape) call(n int) []moe.Group {
	groups := make([]moe.Group, s.cfg.Experts)
	for e := range groups {
		groups[e].Expert = e
		for r := range n {
			if r%2 == e || r%3+1 == e && r%2 != e {
				groups[e].Index = append(groups[e].Index, int32(r))
			}
		}
	}
	return groups
}

// run runs groups and returns one slice of replies per group.
func (s shape) run(t *testing.T, e backend.Experts, layer int, groups []moe.Group, x []byte) [][]byte {
	t.Helper()
	n := (&moe.Call{Groups: groups}).OutRows()
	y := make([]byte, n*s.rowBytes())
	if err := e.Run(t.Context(), layer, groups, x, y); err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, g := range groups {
		size := len(g.Index) * s.rowBytes()
		out, y = append(out, y[:size]), y[size:]
	}
	return out
}

// testRows compares every row of calls of many sizes with the row by itself.
func testRows(t *testing.T, b backend.Backend, s shape, w weights) {
	const rows = 270
	x := s.rows(rows, 1)
	alone := map[[2]int][]byte{}
	single := openExperts(t, open(t, b, 1), s, w)
	for _, g := range s.call(rows) {
		for _, r := range g.Index {
			one := s.run(t, single, 0, []moe.Group{{Expert: g.Expert, Index: []int32{0}}}, s.row(x, int(r)))
			alone[[2]int{g.Expert, int(r)}] = one[0]
		}
	}
	for _, threads := range []int{1, 3} {
		e := openExperts(t, open(t, b, threads), s, w)
		for _, n := range []int{1, 2, 3, 5, 6, 7, 11, 13, 14, 17, 33, 65, rows} {
			groups := s.call(n)
			for i, y := range s.run(t, e, 0, groups, x[:n*s.rowBytes()]) {
				for at, r := range groups[i].Index {
					if r%13 == 12 {
						continue // the bits of a NaN are not promised
					}
					if !bytes.Equal(s.row(y, at), alone[[2]int{groups[i].Expert, int(r)}]) {
						t.Fatalf("%d threads: row %d of expert %d differs among %d rows from what it is alone", threads, r, groups[i].Expert, n)
					}
				}
			}
		}
	}
}

// testExpertValues compares with float64, to the precision of the wire.
func testExpertValues(t *testing.T, b backend.Backend, s shape, w weights) {
	const n = 12 // the next one is not a number
	x, e := s.rows(n, 2), openExperts(t, open(t, b, 2), s, w)
	tolerance := 1e-5
	if s.numerics.Wire == tensor.BF16 || s.numerics.FFNActivation == tensor.BF16 {
		tolerance = 1.0 / 128
	}
	if s.experts.Quantized() {
		tolerance = 1.0 / 32 // a kernel may quantize rows of x as well
	}
	groups := s.call(n)
	for i, y := range s.run(t, e, 0, groups, x) {
		for at, r := range groups[i].Index {
			got, in := make([]float32, s.cfg.Hidden), make([]float32, s.cfg.Hidden)
			tensor.Decode(got, s.row(y, at), s.numerics.Wire)
			tensor.Decode(in, s.row(x, int(r)), s.numerics.Wire)
			want := feedForward(w.experts[moe.ExpertID{Expert: groups[i].Expert}], widen(in))
			compare(t, got, want, tolerance)
		}
	}
}

// testLife unloads an expert and loads another one in its place.
func testLife(t *testing.T, b backend.Backend, s shape, w weights) {
	x, e := s.rows(3, 3), openExperts(t, open(t, b, 2), s, w)
	groups := []moe.Group{{Expert: 1, Index: []int32{0, 1, 2}}}
	first, second := moe.ExpertID{Expert: 1}, moe.ExpertID{Expert: 2}
	before := bytes.Clone(s.run(t, e, 0, groups, x)[0])
	if err := e.Unload(first); err != nil {
		t.Fatal(err)
	}
	err := e.Run(t.Context(), 0, groups, x, make([]byte, len(x)))
	if moe.KindOf(err) != moe.NotHosted || err == nil {
		t.Errorf("an unloaded expert: %v, want not hosted", err)
	}
	if err := e.Load(t.Context(), first, w.experts[second]); err != nil {
		t.Fatal(err)
	}
	other := s.run(t, e, 0, []moe.Group{{Expert: 2, Index: []int32{0, 1, 2}}}, x)[0]
	if !bytes.Equal(s.run(t, e, 0, groups, x)[0], other) {
		t.Error("an expert loaded with the weights of another does not equal it")
	}
	if err := errors.Join(e.Unload(first), e.Load(t.Context(), first, w.experts[first])); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.run(t, e, 0, groups, x)[0], before) {
		t.Error("an expert that was loaded again has changed")
	}
}

// testRefusals: every fault of a call or of weights is an error of its kind.
func testRefusals(t *testing.T, b backend.Backend, s shape, w weights) {
	x, e := s.rows(2, 4), openExperts(t, open(t, b, 1), s, w)
	group := func(expert int, rows ...int32) []moe.Group { return []moe.Group{{Expert: expert, Index: rows}} }
	one := make([]byte, s.rowBytes())
	for _, tt := range []struct {
		name   string
		layer  int
		groups []moe.Group
		x, y   []byte
		want   moe.Kind
	}{
		{"an expert that is not loaded", 0, group(s.cfg.Experts, 0), x, one, moe.NotHosted},
		{"a layer that is not loaded", s.cfg.Layers, group(0, 0), x, one, moe.NotHosted},
		{"a row beyond x", 0, group(0, 2), x, one, moe.Invalid},
		{"a negative row", 0, group(0, -1), x, one, moe.Invalid},
		{"a part of a row", 0, group(0, 0), x[:len(x)-1], one, moe.Invalid},
		{"too little room", 0, group(0, 0, 1), x, one, moe.Invalid},
		{"too much room", 0, group(0, 0), x, x, moe.Invalid},
	} {
		if err := e.Run(t.Context(), tt.layer, tt.groups, tt.x, tt.y); err == nil || moe.KindOf(err) != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	good := w.experts[moe.ExpertID{}]
	short, swapped := good, good
	short.W2.Data = short.W2.Data[:len(short.W2.Data)-1]
	swapped.W1, swapped.W2 = good.W2, good.W1
	for name, weights := range map[string]model.ExpertWeights{"short": short, "swapped": swapped, "missing": {}} {
		if err := e.Load(t.Context(), moe.ExpertID{}, weights); err == nil {
			t.Errorf("%s weights were loaded", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ended, 0, group(0, 0), x, one); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v, want success or canceled", err)
	}
}

// testUnsupported opens experts with rounding points that a backend of RunBF16 does
// not have.
func testUnsupported(t *testing.T, b backend.Backend) {
	d := open(t, b, 1)
	for _, s := range shapes() {
		if s.numerics.Wire == tensor.BF16 && s.numerics.FFNActivation == tensor.BF16 {
			continue
		}
		var refusal *backend.UnsupportedError
		if _, err := d.OpenExperts(s.cfg, s.numerics); !errors.As(err, &refusal) {
			t.Errorf("%s, wire %v, activations %v: %v, want a refusal", s.name, s.numerics.Wire, s.numerics.FFNActivation, err)
		}
	}
}

// testConcurrent runs calls while an expert that none of them needs comes and
// goes.
func testConcurrent(t *testing.T, b backend.Backend, s shape, w weights) {
	x, e := s.rows(9, 5), openExperts(t, open(t, b, 2), s, w)
	groups := []moe.Group{{Expert: 0, Index: []int32{0, 2, 4, 6}}, {Expert: 2, Index: []int32{1, 3, 5, 7, 8}}}
	want := make([]byte, 9*s.rowBytes())
	if err := e.Run(t.Context(), 0, groups, x, want); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				y := make([]byte, len(want))
				if err := e.Run(t.Context(), 0, groups, x, y); err != nil || !bytes.Equal(y, want) {
					t.Errorf("%v, or other bits than alone", err)
					return
				}
			}
		})
	}
	other := moe.ExpertID{Expert: 1}
	for range 20 {
		if err := errors.Join(e.Unload(other), e.Load(t.Context(), other, w.experts[other])); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}
