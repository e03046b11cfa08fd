package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/router/kvcache"
)

// TestScenarios runs the files of testdata: commands and what they print.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *Scheduler
		seqs := map[int]*Sequence{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var id, n int
			switch d.Cmd {
			case "new":
				var blocks int
				var l Limits
				d.ScanArgs(t, "blocks", &blocks)
				d.ScanArgs(t, "tokens", &l.StepTokens)
				d.ScanArgs(t, "sequences", &l.MaxSequences)
				d.ScanArgs(t, "waiting", &l.MaxWaiting)
				s = New(l, kvcache.NewPool(blocks))
			case "add":
				d.ScanArgs(t, "id", &id)
				d.ScanArgs(t, "prompt", &n)
				seqs[id] = &Sequence{ID: uint64(id), Tokens: make([]int32, n)}
				if err := s.Add(seqs[id]); err != nil {
					return err.Error() + "\n"
				}
			case "remove":
				d.ScanArgs(t, "id", &id)
				s.Remove(seqs[id])
			case "step":
				return step(s)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			return state(s)
		})
	})
}

// step schedules and commits: every finished prompt grows by a token.
func step(s *Scheduler) string {
	var out strings.Builder
	for _, span := range s.Schedule() {
		fmt.Fprintf(&out, "seq %d: %d..%d\n", span.Seq.ID, span.Seq.Computed, span.Seq.Computed+span.N)
		span.Seq.Computed += span.N
		if span.Seq.Computed == len(span.Seq.Tokens) {
			span.Seq.Tokens = append(span.Seq.Tokens, 0)
		}
	}
	return out.String() + state(s)
}

func state(s *Scheduler) string {
	if err := s.Check(); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("waiting %d running %d free %d preempted %d\n", s.Waiting(), s.Running(), s.pool.Free(), s.Preempted())
}

// TestRandomOperationsKeepInvariants also checks that work always ends: after
// the requests stop coming, every sequence reaches its length.
func TestRandomOperationsKeepInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			StepTokens:   rapid.IntRange(1, 40).Draw(t, "tokens"),
			MaxSequences: rapid.IntRange(1, 6).Draw(t, "sequences"),
			MaxWaiting:   rapid.IntRange(0, 5).Draw(t, "waiting"),
		}
		s := New(limits, kvcache.NewPool(rapid.IntRange(6, 20).Draw(t, "blocks")))
		var live []*Sequence
		run := func() {
			used := 0
			for _, span := range s.Schedule() {
				used += span.N
				if span.N < 1 || len(span.Seq.Blocks) < kvcache.BlocksFor(span.Seq.Computed+span.N) {
					t.Fatalf("span of %d rows with %d blocks", span.N, len(span.Seq.Blocks))
				}
				span.Seq.Computed += span.N
				if span.Seq.Computed == len(span.Seq.Tokens) {
					span.Seq.Tokens = append(span.Seq.Tokens, 0)
				}
			}
			if used > limits.StepTokens || s.Running() > limits.MaxSequences {
				t.Fatalf("%d rows, %d sequences", used, s.Running())
			}
			kept := live[:0]
			for _, seq := range live {
				if len(seq.Tokens) >= 90 {
					s.Remove(seq)
				} else {
					kept = append(kept, seq)
				}
			}
			live = kept
		}
		for range rapid.IntRange(1, 80).Draw(t, "operations") {
			switch rapid.IntRange(0, 3).Draw(t, "operation") {
			case 0:
				seq := &Sequence{Tokens: make([]int32, rapid.IntRange(1, 60).Draw(t, "prompt"))}
				if s.Add(seq) == nil {
					live = append(live, seq)
				}
			case 1:
				if len(live) > 0 {
					i := rapid.IntRange(0, len(live)-1).Draw(t, "victim")
					s.Remove(live[i])
					live = append(live[:i], live[i+1:]...)
				}
			default:
				run()
			}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; len(live) > 0; i++ {
			if i > 20_000 {
				t.Fatalf("%d sequences never finish", len(live))
			}
			run()
		}
		if s.pool.Free() != s.pool.Total() {
			t.Fatalf("%d of %d blocks leaked", s.pool.Total()-s.pool.Free(), s.pool.Total())
		}
	})
}
