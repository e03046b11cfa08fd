package pipeline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world is how long attention and experts take, in microseconds: a constant and
// a time per row. With shared cores, attention and experts at the same time take
// as long as one after the other.
type world struct {
	attendFix, attendRow, expertFix, expertRow float64
	shared                                     bool
}

func (w world) attention(n int) float64 { return w.attendFix + w.attendRow*float64(n) }
func (w world) experts(n int) float64   { return w.expertFix + w.expertRow*float64(n) }

// layer is the time of a layer of n rows in m micro-batches.
func (w world) layer(n, m int) float64 {
	size := (n + m - 1) / m
	a, e := w.attention(size), w.experts(size)
	if m == 1 || w.shared {
		return float64(m) * (a + e)
	}
	return max(float64(m)*max(a, e), a+e)
}

// run lets a MicroBatcher choose for many steps of the sizes in turn, and
// returns how often each number of micro-batches was chosen in the last quarter.
func (w world) run(steps int, sizes ...int) [MaxMicroBatches + 1]int {
	b := MicroBatcher{Max: MaxMicroBatches}
	r := rand.New(rand.NewPCG(1, 2))
	us := func(v float64) time.Duration { return time.Duration(v * (0.97 + 0.06*r.Float64()) * 1000) }
	var chosen [MaxMicroBatches + 1]int
	for step := range steps {
		n := sizes[step%len(sizes)]
		m := b.Choose(n)
		for i := range m {
			rows := (i+1)*n/m - i*n/m
			b.ObserveAttention(rows, us(w.attention(rows)))
			b.ObserveExperts(rows, us(w.experts(rows)))
		}
		b.ObserveStep(n, m, us(w.layer(n, m)))
		if step >= steps*3/4 {
			chosen[m]++
		}
	}
	return chosen
}

func TestStepsAreSplitOnlyWhenItPays(t *testing.T) {
	tests := []struct {
		name  string
		w     world
		sizes []int
		split bool
	}{
		{"time grows with the rows, on both sides alike", world{5, 10, 5, 10, false}, []int{64, 80, 96}, true},
		{"the experts' weights cost more than their rows", world{5, 1, 500, 1, false}, []int{8, 12, 16}, false},
		{"attention is nothing beside the experts", world{1, 0.1, 50, 10, false}, []int{64, 80, 96}, false},
		{"shared cores: predicted to pay, measured not to", world{5, 10, 5, 10, true}, []int{64, 80, 96}, false},
		{"too few rows", world{5, 10, 5, 10, false}, []int{4, 5, 6}, false},
	}
	for _, tt := range tests {
		chosen := tt.w.run(4000, tt.sizes...)
		split := chosen[2] + chosen[3] + chosen[4]
		if tt.split && split < 900 || !tt.split && split > 50 {
			t.Errorf("%s: micro-batches chosen %v of 1000 steps, want split %v", tt.name, chosen[1:], tt.split)
		}
	}
}

// prompt lets b choose for the chunks of a prompt, of 8 layers, and then for a token.
// Attention of each chunk takes longer than that of the one before by growth microseconds.
func (w world) prompt(b *MicroBatcher, chunks, rows int, growth float64) (chosen []int) {
	us := func(v float64) time.Duration { return time.Duration(v * 1000) }
	for chunk := range chunks + 1 {
		w, n := w, rows
		w.attendFix += growth * float64(chunk)
		if chunk == chunks {
			n = 1
		}
		m := b.Choose(n)
		for range 8 {
			for i := range m {
				part := (i+1)*n/m - i*n/m
				b.ObserveAttention(part, us(w.attention(part)))
				b.ObserveExperts(part, us(w.experts(part)))
			}
		}
		b.ObserveStep(n, m, us(w.layer(n, m)))
		chosen = append(chosen, m)
	}
	return chosen[:chunks]
}

func TestFirstPromptsTellWhetherASplitPays(t *testing.T) {
	for _, tt := range []struct {
		name  string
		w     world
		split bool
	}{
		{"cores of their own", world{attendFix: 2000, attendRow: 60, expertFix: 2000, expertRow: 80}, true},
		{"shared cores", world{attendFix: 2000, attendRow: 60, expertFix: 2000, expertRow: 80, shared: true}, false},
	} {
		b := MicroBatcher{Max: 2}
		first, second := tt.w.prompt(&b, 7, 512, 1000), tt.w.prompt(&b, 7, 512, 1000)
		third := tt.w.prompt(&b, 7, 512, 1000)
		if split := slices.Max(third) > 1; split != tt.split || split && slices.Min(third) == 1 {
			t.Errorf("%s: micro-batches of three prompts %v, %v, %v, want the third split: %v", tt.name, first, second, third, tt.split)
		}
	}
}

func TestFixedNumberOfMicroBatchesIsUsed(t *testing.T) {
	b := MicroBatcher{Fixed: 3}
	for _, tt := range []struct{ n, want int }{{1, 1}, {2, 2}, {3, 3}, {100, 3}} {
		if got := b.Choose(tt.n); got != tt.want {
			t.Errorf("%d rows: %d micro-batches, want %d", tt.n, got, tt.want)
		}
	}
	for range 1000 {
		b = MicroBatcher{}
		if b.Choose(512) != 1 {
			t.Fatal("the zero value splits")
		}
	}
}

func TestLineFitsSlopeAndIntercept(t *testing.T) {
	var l line
	for i := range 200 {
		n := 1 + i%32
		l.add(n, time.Duration(1000+50*n))
	}
	for _, n := range []int{1, 16, 64} {
		if got, want := l.at(n), float64(1000+50*n); got < want*0.99 || got > want*1.01 {
			t.Errorf("at %d: %v, want %v", n, got, want)
		}
	}
	var flat line
	for range 100 {
		flat.add(8, 800)
	}
	if math.Abs(flat.at(8)-800) > 1e-6 || math.Abs(flat.at(64)-800) > 1e-6 {
		t.Errorf("a single size: %v at 8, %v at 64, want 800 at both", flat.at(8), flat.at(64))
	}
}
