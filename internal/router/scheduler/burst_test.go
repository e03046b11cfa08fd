package scheduler

import (
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

const shortPrompt = 20 // tokens

// serving is a scheduler on which streams run. A warm one has served up to 64 streams before.
func (m machine) serving(streams int, warm bool) *Scheduler {
	s := New(Limits{StepTokens: 512, MaxSequences: 128, MaxStepSlowdown: 1.7}, kvcache.NewPool(kvcache.Options{Blocks: 4096}))
	var others []*Sequence
	if warm {
		for range 32 {
			others = append(others, s.addShort(), s.addShort())
			m.advanceBy(s, 10)
		}
	}
	for _, seq := range others {
		s.Remove(seq)
	}
	for range streams {
		s.addShort()
	}
	if streams > 0 {
		m.advanceBy(s, 80)
	}
	return s
}

func (s *Scheduler) addShort() *Sequence {
	seq := &Sequence{Tokens: make([]int32, shortPrompt)}
	s.Add(seq)
	return seq
}

func (m machine) advanceBy(s *Scheduler, steps int) {
	for range steps {
		m.advance(s)
	}
}

// burst lets short prompts come to a scheduler, one a step before the others, and returns in
// seconds when each had its first token, ascending, and the longest step.
func (m machine) burst(s *Scheduler, prompts int) (firsts []float64, longest float64) {
	waiting, now := []*Sequence{s.addShort()}, 0.0
	for len(waiting) > 0 {
		took := m.advance(s).Seconds()
		now, longest = now+took, max(longest, took)
		waiting = slices.DeleteFunc(waiting, func(seq *Sequence) bool {
			if len(seq.Tokens) == shortPrompt {
				return false
			}
			firsts = append(firsts, now)
			return true
		})
		for len(firsts)+len(waiting) < prompts {
			waiting = append(waiting, s.addShort())
		}
	}
	return firsts, longest
}

// TestManyShortPromptsAtOnce: half of 32 short prompts have their first tokens after at most
// 1.5 times what one step with all of their rows takes, and all of them after 3 times that.
func TestManyShortPromptsAtOnce(t *testing.T) {
	const prompts = 32
	for _, row := range []float64{0.5, 1, 2, 4} {
		for _, streams := range []int{0, 8} {
			for _, warm := range []bool{false, true} {
				m := machine{row: row, seen: 0.4e-3}
				firsts, _ := m.burst(m.serving(streams, warm), prompts)
				together := m.step([]Span{{&Sequence{}, prompts * shortPrompt}}).Seconds()
				half, last := firsts[prompts/2]/together, firsts[prompts-1]/together
				t.Logf("rows of %v ms beside %d streams, warm %v: half after %.2f, the last after %.2f of %.2f s", row, streams, warm, half, last, together)
				if half > 1.5 || last > 3 {
					t.Errorf("rows of %v ms beside %d streams, warm %v: half of the first tokens after %.2f times a step of all, the last after %.2f", row, streams, warm, half, last)
				}
			}
		}
	}
}

// TestStreamsYieldToNoFewerThanThey: as many prompts at once as streams run keep the promise
// of MaxStepSlowdown. One more than that makes hardly a difference.
func TestStreamsYieldToNoFewerThanThey(t *testing.T) {
	for _, row := range []float64{0.5, 1, 2, 4} {
		for _, streams := range []int{8, 16, 32} {
			for _, more := range []int{0, 1} {
				m := machine{row: row, seen: 0.4e-3}
				s := m.serving(streams, true)
				usual := m.advance(s).Seconds()
				_, longest := m.burst(s, streams+more)
				t.Logf("rows of %v ms beside %d streams: %d prompts, gaps %.2f", row, streams, streams+more, longest/usual)
				if gap := longest / usual; gap > 2 {
					t.Errorf("rows of %v ms: %d prompts make the gaps of %d streams %.2f times as long", row, streams+more, streams, gap)
				}
			}
		}
	}
}

// TestLongPromptsAreNoCrowd: streams do not yield to prompts that no step ends.
func TestLongPromptsAreNoCrowd(t *testing.T) {
	m := machine{row: 2, seen: 0.4e-3}
	s := m.serving(8, true)
	usual := m.advance(s).Seconds()
	for range 60 {
		s.Add(&Sequence{Tokens: make([]int32, 4000)})
	}
	for range 100 {
		if gap := m.advance(s).Seconds() / usual; gap > 2 {
			t.Fatalf("60 long prompts make a gap %.2f times as long", gap)
		}
	}
}
