package scheduler

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

// machine is what a step costs on one: weights are read once a step, experts
// only when a row chose them, rows cost arithmetic, and attention grows with the
// position. The numbers are those of 2 cores and a model of 8 experts.
type machine struct {
	rng   *rand.Rand
	noise float64
	row   float64 // ms of arithmetic
	seen  float64 // ms of attention per position seen
}

func (m machine) step(spans []Span) time.Duration {
	const (
		dense  = 5.5 // ms to read
		expert = 8.8
	)
	rows, ms := 0, dense
	for _, span := range spans {
		rows += span.N
		ms += float64(span.N) * (m.row + m.seen*float64(span.Seq.Computed+span.N/2))
	}
	ms += expert * 8 * (1 - math.Pow(0.75, float64(rows)))
	if m.noise > 0 {
		ms *= 1 + m.noise*m.rng.NormFloat64()
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// advance schedules and commits a step.
func (m machine) advance(s *Scheduler) time.Duration {
	spans := s.Schedule()
	d := m.step(spans)
	s.Observe(spans, d)
	for _, span := range spans {
		if seq := span.Seq; seq.Computed+span.N < len(seq.Tokens) {
			s.Commit(seq, seq.Computed+span.N)
		} else {
			s.Commit(seq, len(seq.Tokens), 0)
		}
	}
	return d
}

// serve runs decodes beside a long prompt and returns the times of steps without
// and with it, and how long it took.
func (m machine) serve(decodes, prompt int, stretch float64) (without, with []float64, took time.Duration) {
	s := New(Limits{StepTokens: 512, MaxSequences: 64, MaxStepSlowdown: stretch}, kvcache.NewPool(kvcache.Options{Blocks: 4096}))
	step := func(times *[]float64) time.Duration {
		d := m.advance(s)
		*times = append(*times, d.Seconds())
		return d
	}
	for range decodes {
		s.Add(&Sequence{Tokens: make([]int32, 30)})
	}
	if decodes > 0 {
		step(&without)
		without = without[:0]
		for range 100 {
			step(&without)
		}
	}
	long := &Sequence{Tokens: make([]int32, prompt)}
	s.Add(long)
	for len(long.Tokens) == prompt {
		took += step(&with)
	}
	return without, with, took
}

func p99(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)*99/100]
}

// TestPaceKeepsBothPromises: a prompt of 4,000 tokens beside 8 decodes or more
// makes their gaps less than twice as long, and takes less than three times as
// long as without them. Fewer decodes are so fast that any prefill is felt, and get the
// smallest chunk.
func TestPaceKeepsBothPromises(t *testing.T) {
	type cost struct{ row, seen float64 }
	for _, c := range []cost{{1, 0.2e-3}, {1, 1.4e-3}, {2, 0.2e-3}, {2, 1.4e-3}, {4, 0.4e-3}} {
		for _, noise := range []float64{0, 0.05, 0.1} {
			for _, tt := range []struct {
				decodes   int
				gap, slow float64
			}{{1, 8, 4.5}, {2, 5, 4.5}, {4, 4, 4.5}, {8, 2, 3}, {16, 2, 3}, {32, 2, 3}, {60, 2, 3}} {
				m := machine{rand.New(rand.NewPCG(1, 2)), noise, c.row, c.seen}
				_, _, alone := m.serve(0, 4000, 1.7)
				without, with, took := m.serve(tt.decodes, 4000, 1.7)
				gap, slow := p99(with)/p99(without), took.Seconds()/alone.Seconds()
				t.Logf("%+v, noise %.2f, %d decodes: gap %.2f, prefill %.2f, %d steps", c, noise, tt.decodes, gap, slow, len(with))
				if gap > tt.gap || slow > tt.slow {
					t.Errorf("%+v, noise %.2f, %d decodes: gaps %.2f times as long (%.1f is promised), the prompt %.2f (%.1f)",
						c, noise, tt.decodes, gap, tt.gap, slow, tt.slow)
				}
			}
		}
	}
}

// takeOver lets prompts of 60 tokens come to a router with decodes, and returns the
// longest step meanwhile, as a multiple of one without them, and how long the last of
// them waited for its first token.
func (m machine) takeOver(decodes, prompts int, begun bool) (gap, wait float64) {
	s := New(Limits{StepTokens: 512, MaxSequences: 64, MaxStepSlowdown: 1.7}, kvcache.NewPool(kvcache.Options{Blocks: 4096}))
	for range decodes {
		s.Add(&Sequence{Tokens: make([]int32, 30)})
	}
	usual := 0.0
	for range 100 {
		usual = m.advance(s).Seconds()
	}
	var moved []*Sequence
	for range prompts {
		seq := &Sequence{Tokens: make([]int32, 60), Begun: begun}
		moved = append(moved, seq)
		s.Add(seq)
	}
	for slices.ContainsFunc(moved, func(seq *Sequence) bool { return len(seq.Tokens) == 60 }) {
		took := m.advance(s).Seconds()
		wait += took
		gap = max(gap, took/usual)
	}
	return gap, wait
}

// TestAnswersOfADeadRouterGoOnSoon: as many answers as a router has come from one that
// died. Their first tokens come in less than 0.6 of the time of new prompts, and the
// gaps of the others grow less than fourfold meanwhile.
func TestAnswersOfADeadRouterGoOnSoon(t *testing.T) {
	for _, row := range []float64{1, 2, 4} {
		for _, n := range []int{8, 16, 32} {
			m := machine{rng: rand.New(rand.NewPCG(1, 2)), row: row, seen: 0.4e-3}
			gap, wait := m.takeOver(n, n, true)
			_, asPrompts := m.takeOver(n, n, false)
			t.Logf("rows of %v ms, %d answers beside as many: gaps %.2f, %.2f s, as new prompts %.2f s", row, n, gap, wait, asPrompts)
			if gap > 4 || wait > 0.6*asPrompts {
				t.Errorf("rows of %v ms, %d answers: gaps %.2f times as long, %.2f s to the last first token, as new prompts %.2f s", row, n, gap, wait, asPrompts)
			}
		}
	}
}
