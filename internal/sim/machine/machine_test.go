package machine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// mixtral is Mixtral 8x7B.
var mixtral = model.Config{Layers: 32, Hidden: 4096, FFN: 14336, Heads: 32, KVHeads: 8, HeadDim: 128, Vocab: 32000, Experts: 8, TopK: 2, DType: tensor.BF16}

func TestShapeOfMixtral(t *testing.T) {
	s := NewShape(mixtral, tensor.Invalid, model.DefaultNumerics(tensor.BF16))
	if s.ExpertBytes != 3*4096*14336*2 || s.RowBytes != 8192 || s.KVBytes != 2*8*128*2 {
		t.Errorf("expert %d B, row %d B, KV %v B", s.ExpertBytes, s.RowBytes, s.KVBytes)
	}
	if got := float64(s.DenseBytes) / 1e9; got < 3.1 || got > 3.3 { // 46.7 G parameters, 45.1 G of them in experts
		t.Errorf("everything but experts has %.2f GB, want 3.2", got)
	}
	if got := NewShape(mixtral, tensor.Int4, model.DefaultNumerics(tensor.BF16)); 3*got.ExpertBytes > s.ExpertBytes {
		t.Errorf("an expert of int4 has %d bytes, of bf16 %d", got.ExpertBytes, s.ExpertBytes)
	}
}

func rows(perExpert ...int) (out []moe.Group) {
	for e, n := range perExpert {
		if n > 0 {
			out = append(out, moe.Group{Expert: e, Index: make([]int32, n)})
		}
	}
	return out
}

func TestBatchesTakeWhatTheyReadOrCompute(t *testing.T) {
	s := NewShape(mixtral, tensor.Invalid, model.DefaultNumerics(tensor.BF16))
	m := Machine{Cores: 4, Units: 1, Bandwidth: 100e9, CoreBandwidth: 40e9, Rates: map[tensor.DType]float64{tensor.BF16: 1e12}, MemoryShare: 0.8, ArithmeticShare: 0.5}
	read, row := float64(s.ExpertBytes)/80e9, 6*4096*14336/0.5e12
	tests := []struct {
		name    string
		groups  []moe.Group
		threads int
		want    float64
	}{
		{"one row reads one expert", rows(1), 0, read},
		{"rows of one expert read it once", rows(6), 0, read},
		{"three experts", rows(1, 0, 2, 1), 0, 3 * read},
		{"many rows compute", rows(100), 0, 100 * row},
		{"one thread reads as fast as a core", rows(1), 1, float64(s.ExpertBytes) / 32e9},
		{"one thread of four computes a quarter", rows(100), 1, 400 * row},
		{"nothing", nil, 0, 0},
	}
	for _, tt := range tests {
		e := m.Experts(&s, tt.threads)
		if got := e.Batch(tt.groups).Seconds(); math.Abs(got-tt.want) > 1e-6*tt.want+1e-9 {
			t.Errorf("%s: %g s, want %g", tt.name, got, tt.want)
		}
	}
	m.Serial = 0.5 // cores load 160 GB/s, and the memory gives 80: a tenth of a row's time is hidden by it
	load := read * 80 / 128
	for _, tt := range []struct {
		name string
		rows int
		want float64
	}{
		{"the memory hides computing", 1, read},
		{"loading and computing are longer", 10, max(load, 10*row) + 0.5*min(load, 10*row)},
	} {
		e := m.Experts(&s, 0)
		if got := e.Batch(rows(tt.rows)).Seconds(); math.Abs(got-tt.want) > 1e-6*tt.want+1e-9 {
			t.Errorf("%s: %g s, want %g", tt.name, got, tt.want)
		}
	}
	m.Units, m.Serial = 2, 0
	e := m.Experts(&s, 0)
	if got := e.Batch(rows(1, 1, 1)).Seconds(); math.Abs(got-2*read) > 1e-8 {
		t.Errorf("three experts on two units take %g s, want %g", got, 2*read)
	}
}

func TestAttentionReadsTheCache(t *testing.T) {
	s := NewShape(mixtral, tensor.Invalid, model.DefaultNumerics(tensor.BF16))
	m := Machine{Cores: 1, Bandwidth: 100e9, CoreBandwidth: 100e9, Fallback: 1e12, MemoryShare: 1, ArithmeticShare: 1, Launch: time.Microsecond}
	a := m.Attention(&s, 0)
	short, long := a.Layer(Seen{1, 1, 1}, false), a.Layer(Seen{1, 100_000, 100_000}, false)
	if want := time.Duration(99_999 * s.KVBytes / 100e9 * 1e9); (long - short - want).Abs() > time.Microsecond {
		t.Errorf("100,000 positions take %v longer, want %v", long-short, want)
	}
	if a.Head(0) != 0 || a.Head(1) < 2*time.Microsecond {
		t.Errorf("logits of no row take %v, of one %v", a.Head(0), a.Head(1))
	}
}

// TestLatencyHasItsPercentiles within what 100,000 draws can tell.
func TestLatencyHasItsPercentiles(t *testing.T) {
	n := Network{P50: 50 * time.Microsecond, P99: 400 * time.Microsecond}
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]time.Duration, 100_000)
	for i := range all {
		all[i] = n.Latency().Draw(r)
	}
	slices.Sort(all)
	for at, want := range map[int]time.Duration{50_000: n.P50, 99_000: n.P99} {
		if got := all[at]; math.Abs(float64(got-want)) > 0.05*float64(want) {
			t.Errorf("latency number %d of %d is %v, want %v", at, len(all), got, want)
		}
	}
	n.P99 = n.P50
	if got := n.Latency().Draw(r); got != n.P50 {
		t.Errorf("without a tail the latency is %v, want %v", got, n.P50)
	}
}

func TestNICsOverflow(t *testing.T) {
	n := Network{Bandwidth: 1e9, Buffer: 1e6}
	if n.Overflows(time.Millisecond) || !n.Overflows(time.Millisecond+2000) {
		t.Error("a buffer of 1 MB at 1 GB/s holds what takes 1 ms")
	}
	n.Buffer = 0
	if n.Overflows(time.Hour) || n.Transfer(1e9) != time.Second {
		t.Errorf("a transfer of 1 GB takes %v", n.Transfer(1e9))
	}
}
