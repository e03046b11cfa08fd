package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// MaxEnded is how many requests that have ended are kept.
const MaxEnded = 1000

// Journal keeps the requests of one process. The zero value is empty.
type Journal struct {
	mu      sync.Mutex // guards the fields below
	last    uint64     // number of a request
	running map[uint64]*entry
	ended   []Request // a ring of MaxEnded, by number of the end
	ends    uint64    // requests that have ended
	causes  causes
	totals  Totals
}

// entry is a request that runs.
type entry struct {
	Request
	cancel context.CancelCauseFunc
	staged bool // its engine reports stages; otherwise only tokens show the phase
	lost   bool // it has lost its place, and waits for another
}

// Totals count since the start of the process.
type Totals struct {
	Tokens uint64 // drawn
	First  Latencies
	Next   Latencies
}

// Note notes something that delays requests.
func (j *Journal) Note(c Cause) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.causes.note(c, time.Now())
}

// Step notes a step of the engine. One that computes more tokens of prompts than it draws
// keeps all answers waiting for the prompts, if it is long.
func (j *Journal) Step(prompts, drawn int, took time.Duration) {
	if prompts > drawn && took > longPause/2 { // a pause is a step, and what is before and after it
		j.Note(Cause{Text: fmt.Sprintf("a step computed %d tokens of prompts, for %v", prompts, took.Round(time.Millisecond)), Usual: true})
	}
}

// Begin adds a request and returns its number.
func (j *Journal) Begin(r Request, cancel context.CancelCauseFunc) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	r.Number, r.Phase, r.Began = j.last, Waiting, time.Now()
	r.Last = r.Began
	if j.running == nil {
		j.running = map[uint64]*entry{}
	}
	j.running[r.Number] = &entry{Request: r, cancel: cancel}
	return r.Number
}

// preempted is the cause of a stall.
const preempted = "preempted: the KV cache was full"

// Move notes the stage of a request at its engine, with the tokens that are computed.
func (j *Journal) Move(number uint64, to engine.Stage, computed int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.running[number]
	if r == nil {
		return
	}
	r.staged = true
	switch to {
	case engine.Queued:
		r.Phase, r.lost = Waiting, true
		j.notePreempted(r)
	case engine.Prefilling:
		if r.lost { // its reader may have read tokens after the first notice
			r.lost = false
			j.notePreempted(r)
		}
		r.Phase, r.Computed = Prefill, min(computed, r.Prompt)
	case engine.Drawing:
		r.Phase, r.Computed = Decoding, r.Prompt
	}
}

// notePreempted notes that a request waits for a place again. j.mu is held.
func (j *Journal) notePreempted(r *entry) {
	j.causes.note(Cause{Text: preempted, Request: r.ID, Blocks: true}, time.Now())
}

// Drew notes n tokens of a request that came together.
func (j *Journal) Drew(number uint64, n, cached int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.running[number]
	if r == nil || n == 0 {
		return
	}
	now := time.Now()
	pause := now.Sub(r.Last)
	r.judge(j.causes, pause, now)
	if !r.staged {
		r.Phase = Decoding
	}
	if r.First.IsZero() {
		r.First, r.Cached = now, cached
		j.totals.First.Observe(pause, 1)
		j.totals.Next.Observe(0, n-1)
	} else {
		j.totals.Next.Observe(pause/time.Duration(n), n)
	}
	r.Tokens, r.Last = r.Tokens+n, now
	j.totals.Tokens += uint64(n)
}

// End ends a request. It may be called again, to no effect.
func (j *Journal) End(number uint64, phase Phase, why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.running[number]
	if e == nil {
		return
	}
	delete(j.running, number)
	e.Phase, e.Why, e.Last = phase, why, time.Now()
	if len(j.ended) < MaxEnded {
		j.ended = append(j.ended, e.Request)
	} else {
		j.ended[j.ends%MaxEnded] = e.Request
	}
	j.ends++
}

// Cancel ends a request that runs, and reports whether there is such a one. Its
// reader gets completion.ErrCanceled.
func (j *Journal) Cancel(number uint64) bool {
	j.mu.Lock()
	e := j.running[number]
	j.mu.Unlock()
	if e == nil {
		return false
	}
	e.cancel(completion.ErrCanceled)
	return true
}

// Snapshot is what a journal has at one time.
type Snapshot struct {
	Totals
	Running []Request // in order of number
	Ended   []Request // in the order of their ends
	Ends    uint64    // requests that have ended; the next snapshot begins there
}

// Snapshot returns a copy, with the requests that have ended after the first `after`
// of them, as far as they are kept.
func (j *Journal) Snapshot(after uint64) Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Snapshot{Totals: j.totals, Ends: j.ends}
	for _, e := range j.running {
		s.Running = append(s.Running, e.copy())
	}
	slices.SortFunc(s.Running, func(a, b Request) int { return cmp.Compare(a.Number, b.Number) })
	if after > j.ends { // of an earlier run of the process
		after = 0
	}
	for i := max(after, j.ends-uint64(len(j.ended))); i < j.ends; i++ {
		s.Ended = append(s.Ended, j.ended[i%MaxEnded]) // which does not change any more
	}
	return s
}

func (r Request) copy() Request {
	r.Stalls = slices.Clone(r.Stalls)
	return r
}
