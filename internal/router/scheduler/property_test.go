package scheduler

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

var (
	operations = flag.Int("operations", 1_000_000, "random operations of TestAMillionOperations")
	seed       = flag.Uint64("seed", 0, "its seed; 0 chooses one")
)

// world drives a scheduler with random operations over blocks whose content it
// knows.
type world struct {
	t       interface{ Fatalf(string, ...any) }
	pick    func(n int) int // 0..n-1
	limits  Limits
	s       *Scheduler
	content [][model.BlockSize]int32
	live    []*Sequence
	longest int
	ids     uint64
}

func newWorld(t interface{ Fatalf(string, ...any) }, pick func(int) int) *world {
	w := &world{t: t, pick: pick}
	w.limits = Limits{StepTokens: 1 + pick(40), MaxSequences: 1 + pick(6), Chunk: pick(20), MaxStepSlowdown: 1.5 * float64(pick(2))}
	blocks := 6 + pick(20)
	w.s = New(w.limits, kvcache.NewPool(kvcache.Options{Blocks: blocks, Reuse: pick(3) > 0}))
	w.content = make([][model.BlockSize]int32, blocks)
	w.longest = min(90, blocks*model.BlockSize)
	return w
}

func (w *world) add() {
	w.ids++
	seq := &Sequence{ID: w.ids, Priority: w.pick(3) - 1, Begun: w.pick(4) == 0, Compute: w.pick(5) == 0}
	// Prompts share prefixes of whole and of broken blocks.
	kind := int32(w.pick(3))
	for i := range 1 + w.pick(60) {
		seq.Tokens = append(seq.Tokens, kind+int32(i/24))
	}
	w.s.Add(seq)
	w.live = append(w.live, seq)
}

func (w *world) remove() {
	if len(w.live) == 0 {
		return
	}
	i := w.pick(len(w.live))
	w.s.Remove(w.live[i])
	w.live = slices.Delete(w.live, i, i+1)
}

// step schedules, checks the spans, computes, and commits unless it fails.
func (w *world) step(fails bool) {
	for _, seq := range w.live {
		if room := w.longest - len(seq.Tokens); seq.running && seq.todo() == 1 && room > 1 && w.pick(2) == 0 {
			seq.Draft = make([]int32, w.pick(min(8, room)))
		}
	}
	spans := w.s.Schedule()
	w.checkStep(spans)
	for _, span := range spans {
		w.compute(span)
	}
	if fails {
		return
	}
	w.s.Observe(spans, time.Duration(1+w.pick(1000)))
	for _, span := range spans {
		w.commit(span)
	}
	w.live = slices.DeleteFunc(w.live, func(seq *Sequence) bool {
		if len(seq.Tokens) < w.longest {
			return false
		}
		w.s.Remove(seq)
		return true
	})
}

func (w *world) checkStep(spans []Span) {
	rows, seen := 0, map[*Sequence]bool{}
	for _, span := range spans {
		rows += span.N
		seq := span.Seq
		switch {
		case span.N < 1 || seen[seq] || !seq.running:
			w.t.Fatalf("sequence %d: a span of %d rows, running %v", seq.ID, span.N, seq.running)
		case span.N > w.limits.Chunk && w.limits.Chunk > 0:
			w.t.Fatalf("a chunk of %d rows", span.N)
		case span.Drafted() > len(seq.Draft):
			w.t.Fatalf("%d rows of a draft of %d", span.Drafted(), len(seq.Draft))
		case len(seq.Table.Blocks) < kvcache.BlocksFor(seq.Computed+span.N):
			w.t.Fatalf("%d rows at %d with %d blocks", span.N, seq.Computed, len(seq.Table.Blocks))
		case seq.Compute && seq.Computed > 0 && w.content[seq.Table.Blocks[0]][0] != seq.Tokens[0]:
			w.t.Fatalf("sequence %d skipped a position", seq.ID)
		}
		seen[seq] = true
	}
	if rows > w.limits.StepTokens || w.s.Running() > w.limits.MaxSequences {
		w.t.Fatalf("%d rows, %d sequences", rows, w.s.Running())
	}
	if len(spans) == 0 && w.s.Running()+w.s.Waiting() > 0 {
		w.t.Fatalf("%d sequences run and %d wait, and nothing is done", w.s.Running(), w.s.Waiting())
	}
	for _, seq := range w.s.running {
		if seq.todo() == 1 && !seen[seq] && rows < w.limits.StepTokens {
			w.t.Fatalf("sequence %d could decode and has no row", seq.ID)
		}
	}
}

// compute checks what the span would read, and writes its rows.
func (w *world) compute(span Span) {
	seq := span.Seq
	at := func(pos int) *int32 {
		return &w.content[seq.Table.Blocks[pos/model.BlockSize]][pos%model.BlockSize]
	}
	for pos := range seq.Computed {
		if *at(pos) != seq.Tokens[pos] {
			w.t.Fatalf("sequence %d: position %d holds token %d, not %d", seq.ID, pos, *at(pos), seq.Tokens[pos])
		}
	}
	for pos := seq.Computed; pos < seq.Computed+span.N; pos++ {
		if pos < len(seq.Tokens) {
			*at(pos) = seq.Tokens[pos]
		} else {
			*at(pos) = -1
		}
	}
}

func (w *world) commit(span Span) {
	seq := span.Seq
	if seq.Computed+span.N < len(seq.Tokens) {
		w.s.Commit(seq, seq.Computed+span.N)
		return
	}
	right := 0
	if n := span.Drafted(); n > 0 {
		right = w.pick(n + 1)
	}
	next := make([]int32, right+1)
	for i := range next {
		next[i] = int32(w.pick(2))
		if i < right {
			// An accepted row was computed from the accepted token.
			pos := len(seq.Tokens) + i
			w.content[seq.Table.Blocks[pos/model.BlockSize]][pos%model.BlockSize] = next[i]
		}
	}
	w.s.Commit(seq, len(seq.Tokens)+right, next...)
}

func (w *world) operate() {
	switch w.pick(8) {
	case 0, 1:
		if len(w.live) < 14 {
			w.add()
		}
	case 2:
		w.remove()
	case 3:
		w.step(true)
	default:
		w.step(false)
	}
	if err := w.s.Check(); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// finish lets everything end without new requests.
func (w *world) finish() {
	for i := 0; len(w.live) > 0; i++ {
		if i > 20_000 {
			w.t.Fatalf("%d sequences never finish", len(w.live))
		}
		w.step(false)
	}
	if err := w.s.Check(); err != nil {
		w.t.Fatalf("%v", err)
	}
	if free, total := w.s.pool.Free(), w.s.pool.Total(); free != total {
		w.t.Fatalf("%d of %d blocks leaked", total-free, total)
	}
}

// TestRandomOperationsKeepInvariants shrinks what it finds.
func TestRandomOperationsKeepInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") })
		for range rapid.IntRange(1, 80).Draw(t, "operations") {
			w.operate()
		}
		w.finish()
	})
}

// TestAMillionOperations goes far from the start: no state is fresh.
func TestAMillionOperations(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("replay with: go test ./internal/router/scheduler -run TestAMillionOperations -seed %d", s)
	rng := rand.New(rand.NewPCG(s, 0))
	const worlds = 50
	for range worlds {
		w := newWorld(t, rng.IntN)
		for range *operations / worlds {
			w.operate()
		}
		w.finish()
	}
}
