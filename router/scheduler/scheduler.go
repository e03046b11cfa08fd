package scheduler

import (
	"errors"
	"slices"

	"github.com/hachi-serve/hachi/router/kvcache"
)

// ErrQueueFull means that no more requests may wait.
var ErrQueueFull = errors.New("the request queue is full")

// Sequence is one stream of tokens on its way through the model.
type Sequence struct {
	ID       uint64
	Tokens   []int32 // prompt and what was generated
	Computed int     // positions whose K and V are in the cache
	Blocks   []int32 // owned by the Scheduler
}

// Span is the share of one sequence in a step: positions Computed..Computed+N.
type Span struct {
	Seq *Sequence
	N   int
}

// Limits bound a step and the queues.
type Limits struct {
	StepTokens   int // rows of one step
	MaxSequences int // running at once
	MaxWaiting   int
}

// Scheduler holds the queues.
type Scheduler struct {
	limits    Limits
	pool      *kvcache.Pool
	waiting   []*Sequence
	running   []*Sequence // in order of admission
	preempted uint64
}

// New makes an empty scheduler over a pool of blocks.
func New(limits Limits, pool *kvcache.Pool) *Scheduler {
	return &Scheduler{limits: limits, pool: pool}
}

// Add puts a sequence at the end of the waiting queue.
func (s *Scheduler) Add(seq *Sequence) error {
	if len(s.waiting) >= s.limits.MaxWaiting && len(s.running) >= s.limits.MaxSequences {
		return ErrQueueFull
	}
	if len(s.waiting) >= s.limits.MaxWaiting+s.limits.MaxSequences {
		return ErrQueueFull
	}
	s.waiting = append(s.waiting, seq)
	return nil
}

// Remove forgets a sequence and frees its blocks.
func (s *Scheduler) Remove(seq *Sequence) {
	s.release(seq)
	same := func(other *Sequence) bool { return other == seq }
	s.waiting = slices.DeleteFunc(s.waiting, same)
	s.running = slices.DeleteFunc(s.running, same)
}

func (s *Scheduler) release(seq *Sequence) {
	s.pool.Release(seq.Blocks)
	seq.Blocks = nil
}

// Waiting and Running are the lengths of the queues; Preempted counts
// preemptions since the start.
func (s *Scheduler) Waiting() int      { return len(s.waiting) }
func (s *Scheduler) Running() int      { return len(s.running) }
func (s *Scheduler) Preempted() uint64 { return s.preempted }

// Schedule chooses the spans of the next step. Their block tables reach the
// end of each span. Nil means there is nothing to do.
func (s *Scheduler) Schedule() []Span {
	budget := s.limits.StepTokens
	var spans []Span
	for _, decode := range []bool{true, false} {
		for _, seq := range slices.Clone(s.running) {
			if (len(seq.Tokens)-seq.Computed == 1) != decode || budget == 0 {
				continue
			}
			if n := s.advance(seq, budget); n > 0 {
				spans = append(spans, Span{seq, n})
				budget -= n
			}
		}
	}
	// A preemption may have taken a sequence that already had a span.
	spans = slices.DeleteFunc(spans, func(sp Span) bool { return !slices.Contains(s.running, sp.Seq) })
	return append(spans, s.admit(budget)...)
}

// advance makes room for the next rows of a running sequence, preempting
// younger ones if need be; 0 if it was itself preempted.
func (s *Scheduler) advance(seq *Sequence, budget int) int {
	n := min(len(seq.Tokens)-seq.Computed, budget)
	for slices.Contains(s.running, seq) {
		blocks, ok := s.pool.Grow(seq.Blocks, seq.Computed+n)
		if ok {
			seq.Blocks = blocks
			return n
		}
		s.preempt(s.running[len(s.running)-1])
	}
	return 0
}

func (s *Scheduler) preempt(seq *Sequence) {
	s.release(seq)
	seq.Computed = 0
	s.preempted++
	s.running = slices.DeleteFunc(s.running, func(other *Sequence) bool { return other == seq })
	s.waiting = slices.Insert(s.waiting, 0, seq)
}

// admit starts waiting sequences, first come first served, while there are
// rows, places and blocks for all their known tokens.
func (s *Scheduler) admit(budget int) []Span {
	var spans []Span
	for len(s.waiting) > 0 && budget > 0 && len(s.running) < s.limits.MaxSequences {
		seq := s.waiting[0]
		if kvcache.BlocksFor(len(seq.Tokens)) > s.pool.Free() {
			break
		}
		n := min(len(seq.Tokens), budget)
		seq.Blocks, _ = s.pool.Grow(seq.Blocks, len(seq.Tokens))
		s.waiting = s.waiting[1:]
		s.running = append(s.running, seq)
		spans = append(spans, Span{seq, n})
		budget -= n
	}
	return spans
}

// Check reports a broken invariant.
func (s *Scheduler) Check() error {
	var tables [][]int32
	for _, seq := range append(slices.Clone(s.running), s.waiting...) {
		if seq.Computed < 0 || seq.Computed > len(seq.Tokens) {
			return errors.New("scheduler: computed is outside the sequence")
		}
		tables = append(tables, seq.Blocks)
	}
	return s.pool.Check(tables...)
}
