package scheduler

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

// Limits bound a step and the queues.
type Limits struct {
	StepTokens   int // rows of one step
	MaxSequences int // running at once
	MaxWaiting   int // requests accepted beyond those
	// MaxWaitingTokens bounds the tokens of requests that have not started; 0
	// is no bound.
	MaxWaitingTokens int
	// Chunk bounds the rows of one sequence in one step; 0 is StepTokens.
	Chunk int
	// MaxStepSlowdown is how much longer prefill may make a step than only its
	// decodes take, as a factor above 1; 0 fills every step.
	MaxStepSlowdown float64
}

// SequencesFor is the default of MaxSequences over a number of blocks: as many
// sequences as have room for 512 tokens each, at most 256.
func SequencesFor(blocks int) int {
	const usual, limit = 512, 256
	return min(limit, max(1, blocks/kvcache.BlocksFor(usual)))
}

// Scheduler holds the queues.
type Scheduler struct {
	limits    Limits
	pool      *kvcache.Pool
	waiting   []*Sequence // by urgency
	running   []*Sequence // by urgency
	pace      pace
	arrivals  uint64
	step      uint64 // counts calls of Schedule
	todo      []int  // memory of crowd
	preempted uint64
}

// New makes an empty scheduler over a pool of blocks.
func New(limits Limits, pool *kvcache.Pool) *Scheduler {
	if limits.Chunk == 0 {
		limits.Chunk = limits.StepTokens
	}
	return &Scheduler{limits: limits, pool: pool, pace: pace{maxSlowdown: limits.MaxStepSlowdown}}
}

// Add puts a new sequence into the waiting queue.
func (s *Scheduler) Add(seq *Sequence) {
	s.arrivals++
	seq.arrival = s.arrivals
	s.waiting = insert(s.waiting, seq)
}

// Remove forgets a sequence and frees its blocks.
func (s *Scheduler) Remove(seq *Sequence) {
	s.pool.Release(&seq.Table)
	seq.Draft, seq.running = nil, false
	s.waiting, s.running = without(s.waiting, seq), without(s.running, seq)
}

func insert(queue []*Sequence, seq *Sequence) []*Sequence {
	at, _ := slices.BinarySearchFunc(queue, seq, urgency)
	return slices.Insert(queue, at, seq)
}

func without(queue []*Sequence, seq *Sequence) []*Sequence {
	if at, ok := slices.BinarySearchFunc(queue, seq, urgency); ok && queue[at] == seq {
		return slices.Delete(queue, at, at+1)
	}
	return queue
}

// Waiting and Running are the lengths of the queues; Preempted counts
// preemptions since the start.
func (s *Scheduler) Waiting() int      { return len(s.waiting) }
func (s *Scheduler) Running() int      { return len(s.running) }
func (s *Scheduler) Preempted() uint64 { return s.preempted }

// Commit says that a step has computed the sequence's span up to position
// computed, and that tokens follow its known ones.
func (s *Scheduler) Commit(seq *Sequence, computed int, tokens ...int32) {
	seq.Tokens = append(seq.Tokens, tokens...)
	seq.Computed, seq.Draft = computed, nil
	s.pool.Commit(&seq.Table, seq.Tokens, computed)
}

// Observe takes how long a step took. spans are as Schedule gave them, and
// Observe must come before Commit, which changes what they had to do.
func (s *Scheduler) Observe(spans []Span, took time.Duration) {
	decodes, prefills := 0, 0
	for _, span := range spans {
		if span.Seq.todo() == 1 {
			decodes += span.N
		} else {
			prefills += span.N
		}
	}
	s.pace.observe(decodes, prefills, took)
}

// Schedule chooses the spans of the next step. Their block tables reach the
// end of each span. Nil means there is nothing to do. Nothing that it did needs
// to be undone when the step fails.
func (s *Scheduler) Schedule() []Span {
	s.step++
	spans := s.decodes()
	rows := 0
	for _, span := range spans {
		rows += span.N
	}
	budget, resumed := s.pace.rows(rows, s.crowd(len(spans)), s.limits.StepTokens-rows), 0
	if s.resumes() {
		resumed = s.pace.resumed(rows, s.limits.StepTokens-rows)
	}
	if budget <= 0 && resumed <= 0 {
		return spans
	}
	s.admit()
	return append(spans, s.prefills(budget, resumed)...)
}

// crowd is how many first tokens one step could draw, for each stream that decodes in
// this one: of the prompts that run or may start, those with the least to do which fit a
// step together. Long prompts are none: no step ends their wait.
func (s *Scheduler) crowd(streams int) float64 {
	if streams == 0 {
		return 0
	}
	s.todo = s.todo[:0]
	for _, seq := range s.running {
		if seq.step != s.step {
			s.todo = append(s.todo, seq.todo())
		}
	}
	for _, seq := range s.waiting[:min(len(s.waiting), s.limits.MaxSequences-len(s.running))] {
		s.todo = append(s.todo, seq.todo())
	}
	if len(s.todo) <= streams {
		return 0 // no more than one for each
	}
	slices.Sort(s.todo)
	n, room := 0, s.limits.StepTokens-streams
	for n < len(s.todo) && s.todo[n] <= room {
		room -= s.todo[n]
		n++
	}
	return float64(n) / float64(streams)
}

// resumes reports whether an answer that another router began has rows to prefill.
func (s *Scheduler) resumes() bool {
	prefills := func(seq *Sequence) bool { return seq.Begun && seq.step != s.step }
	return slices.ContainsFunc(s.running, prefills) || slices.ContainsFunc(s.waiting, prefills)
}

// decodes gives every running sequence with one token to go its row, and its
// draft what room there is.
func (s *Scheduler) decodes() []Span {
	var spans []Span
	budget := s.limits.StepTokens
	for _, seq := range slices.Clone(s.running) {
		if !seq.running || seq.todo() != 1 || budget == 0 || !s.reserve(seq) {
			continue
		}
		seq.step = s.step
		spans = append(spans, Span{seq, 1})
		budget--
	}
	// A preemption may have taken a sequence that already had a span.
	spans = slices.DeleteFunc(spans, func(sp Span) bool { return !sp.Seq.running })
	for i, span := range spans {
		n := min(len(span.Seq.Draft), budget, s.limits.Chunk-1)
		if n > 0 && s.pool.Grow(&span.Seq.Table, len(span.Seq.Tokens)+n) {
			spans[i].N += n
			budget -= n
		}
	}
	return spans
}

// reserve makes room for the known tokens of a running sequence, preempting
// others if need be; false if it was itself preempted.
func (s *Scheduler) reserve(seq *Sequence) bool {
	for !s.pool.Grow(&seq.Table, len(seq.Tokens)) {
		victim := s.running[len(s.running)-1]
		s.preempt(victim)
		if victim == seq {
			return false
		}
	}
	return true
}

func (s *Scheduler) preempt(seq *Sequence) {
	s.Remove(seq)
	seq.Computed = 0
	s.preempted++
	s.waiting = insert(s.waiting, seq)
}

// admit starts waiting sequences while there are places and blocks for all
// their known tokens.
func (s *Scheduler) admit() {
	for i := 0; i < len(s.waiting) && len(s.running) < s.limits.MaxSequences; {
		seq := s.waiting[i]
		terms := kvcache.Terms{Headroom: len(s.running), Compute: seq.Compute}
		switch s.pool.Acquire(&seq.Table, seq.Tokens, terms) {
		case kvcache.Full:
			return
		case kvcache.Awaited:
			i++
		case kvcache.Acquired:
			seq.Computed, seq.running = seq.Table.Cached(), true
			s.waiting = slices.Delete(s.waiting, i, i+1)
			s.running = insert(s.running, seq)
		}
	}
}

// prefills shares rows among the running sequences that have none: resumed ones among
// answers that other routers began and those that the prefix cache has but for a token,
// and what of budget is left then among the others.
func (s *Scheduler) prefills(budget, resumed int) []Span {
	var first, others []Span
	for _, seq := range s.running {
		switch {
		case seq.step == s.step:
		case resumed > 0 && (seq.Begun || seq.todo() == 1):
			first = append(first, Span{seq, 0})
		default:
			others = append(others, Span{seq, 0})
		}
	}
	used := s.share(first, max(budget, resumed))
	s.share(others, budget-used)
	return slices.DeleteFunc(append(first, others...), func(span Span) bool { return span.N == 0 })
}

// share gives rows to spans: half to the most urgent, which is the first, then to those
// with the least to do. It returns how many it gave, and changes the order.
func (s *Scheduler) share(spans []Span, budget int) (given int) {
	if len(spans) == 0 || budget <= 0 {
		return 0
	}
	give := func(span *Span, limit int) {
		n := min(span.Seq.todo()-span.N, s.limits.Chunk-span.N, limit)
		span.N += n
		given += n
	}
	first, others := &spans[0], spans[1:]
	give(first, (budget+1)/2)
	slices.SortStableFunc(others, func(a, b Span) int { return cmp.Compare(a.Seq.todo(), b.Seq.todo()) })
	for i := range others {
		give(&others[i], budget-given)
	}
	give(first, budget-given)
	return given
}

// Check reports every broken invariant.
func (s *Scheduler) Check() error {
	var faults []error
	var tables []*kvcache.Table
	for _, seq := range slices.Concat(s.running, s.waiting) {
		if seq.Computed < 0 || seq.Computed > len(seq.Tokens) {
			faults = append(faults, fmt.Errorf("scheduler: sequence %d has computed %d of %d", seq.ID, seq.Computed, len(seq.Tokens)))
		}
		if seq.running != slices.Contains(s.running, seq) || (!seq.running && len(seq.Table.Blocks) > 0) {
			faults = append(faults, fmt.Errorf("scheduler: sequence %d is in the wrong queue, with %d blocks", seq.ID, len(seq.Table.Blocks)))
		}
		tables = append(tables, &seq.Table)
	}
	if !slices.IsSortedFunc(s.running, urgency) || !slices.IsSortedFunc(s.waiting, urgency) {
		faults = append(faults, errors.New("scheduler: a queue is out of order"))
	}
	return errors.Join(append(faults, s.pool.Check(tables...))...)
}
