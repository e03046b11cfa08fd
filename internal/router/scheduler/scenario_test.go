package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

// TestScenarios runs the files of testdata: commands and what they print.
//
//	new blocks=N tokens=N sequences=N [chunk=N] [stretch=X] [reuse]
//	cost decodes=D row=D       what a step takes: its decodes, and each prefill row
//	add id=N prompt=N [like=ID] [priority=N] [begun] [compute]
//	draft id=N n=N             guess n tokens
//	step [accept=N] [times=N]  schedule and commit, n drafted tokens being right
//	abandon                    schedule a step that fails
//	remove id=N
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/steps", func(t *testing.T, path string) {
		s := &scenario{seqs: map[int]*Sequence{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type scenario struct {
	s            *Scheduler
	seqs         map[int]*Sequence
	decodes, row time.Duration
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	number := func(key string, otherwise int) int {
		if d.HasArg(key) {
			d.ScanArgs(t, key, &otherwise)
		}
		return otherwise
	}
	duration := func(key string) time.Duration {
		var text string
		d.ScanArgs(t, key, &text)
		out, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	id := number("id", 0)
	switch d.Cmd {
	case "new":
		l := Limits{StepTokens: number("tokens", 0), MaxSequences: number("sequences", 0), Chunk: number("chunk", 0)}
		if d.HasArg("stretch") {
			var text string
			d.ScanArgs(t, "stretch", &text)
			fmt.Sscan(text, &l.MaxStepSlowdown)
		}
		s.s = New(l, kvcache.NewPool(kvcache.Options{Blocks: number("blocks", 0), Reuse: d.HasArg("reuse")}))
	case "cost":
		s.decodes, s.row = duration("decodes"), duration("row")
		return ""
	case "add":
		seq := &Sequence{ID: uint64(id), Priority: number("priority", 0), Begun: d.HasArg("begun"), Compute: d.HasArg("compute")}
		for i := range number("prompt", 0) {
			seq.Tokens = append(seq.Tokens, int32(1000*number("like", id)+i))
		}
		s.seqs[id] = seq
		s.s.Add(seq)
	case "draft":
		s.seqs[id].Draft = make([]int32, number("n", 0))
	case "remove":
		s.s.Remove(s.seqs[id])
		delete(s.seqs, id)
	case "step":
		out := ""
		for range number("times", 1) {
			out = s.step(number("accept", 0))
		}
		return out + s.state()
	case "abandon":
		return describe(s.s.Schedule()) + s.state()
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	return s.state()
}

// step schedules and commits: a span that reaches the end of the known tokens
// makes one more.
func (s *scenario) step(accept int) string {
	spans := s.s.Schedule()
	out := describe(spans)
	if s.decodes > 0 {
		took := s.decodes
		for _, span := range spans {
			if span.Seq.todo() > 1 {
				took += time.Duration(span.N) * s.row
			}
		}
		s.s.Observe(spans, took)
		out += fmt.Sprintf("took %v\n", took)
	}
	for _, span := range spans {
		seq := span.Seq
		if seq.Computed+span.N < len(seq.Tokens) {
			s.s.Commit(seq, seq.Computed+span.N)
			continue
		}
		right := min(accept, span.Drafted())
		next := make([]int32, right+1)
		for i := range next {
			next[i] = int32(-1000*int(seq.ID) - len(seq.Tokens) - i)
		}
		s.s.Commit(seq, len(seq.Tokens)+right, next...)
	}
	return out
}

func describe(spans []Span) string {
	var out strings.Builder
	for _, span := range spans {
		fmt.Fprintf(&out, "seq %d: %d..%d", span.Seq.ID, span.Seq.Computed, span.Seq.Computed+span.N)
		if n := span.Drafted(); n > 0 {
			fmt.Fprintf(&out, ", %d of them drafted", n)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func (s *scenario) state() string {
	if err := s.s.Check(); err != nil {
		return err.Error() + "\n"
	}
	for _, id := range slices.Sorted(maps.Keys(s.seqs)) {
		if seq := s.seqs[id]; len(seq.Table.Blocks) < kvcache.BlocksFor(seq.Computed) {
			return fmt.Sprintf("seq %d has computed more than its blocks hold\n", id)
		}
	}
	return fmt.Sprintf("waiting %d running %d free %d preempted %d\n", s.s.Waiting(), s.s.Running(), s.s.pool.Free(), s.s.Preempted())
}

// TestAdmission runs the bounds of the queue.
func TestAdmission(t *testing.T) {
	var a Admission
	datadriven.RunTest(t, "testdata/admission/bounds", func(t *testing.T, d *datadriven.TestData) string {
		n := 0
		if d.HasArg("tokens") {
			d.ScanArgs(t, "tokens", &n)
		}
		switch d.Cmd {
		case "new":
			a = Admission{Tokens: n}
			d.ScanArgs(t, "requests", &a.Requests)
		case "accept":
			if err := a.Accept(n); err != nil {
				return err.Error() + "\n"
			}
		case "start":
			a.Start(n)
		case "finish":
			a.Finish()
		}
		requests, tokens := a.Waiting()
		return fmt.Sprintf("%d requests of %d tokens wait\n", requests, tokens)
	})
}
