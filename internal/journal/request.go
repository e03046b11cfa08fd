package journal

import (
	"cmp"
	"time"
)

// Phase is how far a request has come.
type Phase string

// Phases. A request waits without a place, before its first rows and after a
// preemption.
const (
	Waiting  Phase = "waiting"
	Prefill  Phase = "prefill" // its prompt is computed, or its tokens after a preemption
	Decoding Phase = "decoding"
	Done     Phase = "done"
	Canceled Phase = "canceled"
	Failed   Phase = "failed"
)

// Ended reports whether nothing follows a phase.
func (p Phase) Ended() bool { return p == Done || p == Canceled || p == Failed }

// Request is one answer to one prompt. A client's request for n answers is n of them.
type Request struct {
	Number uint64 // in the journal, from 1
	ID     string // names the client's request in the log lines of every process
	Client string // "" without API keys
	Choice int
	Phase  Phase
	Prompt int // tokens
	Cached int // tokens of the prompt that the prefix cache had
	// Computed is how many tokens of the prompt are computed during Prefill.
	Computed int
	Tokens   int // of the answer so far
	Began    time.Time
	First    time.Time // token; zero before it
	Last     time.Time // token, or the end
	Why      string    // how the answer ended: stop, length, or the error
	Trace    string    // id of its trace, 32 hexadecimal digits; "" if it is not sampled
	Stalls   []Stall   // the last maxStalls
	Felt     int       // stalls in all
}

// Shift moves every time of a request.
func (r *Request) Shift(by time.Duration) {
	for _, t := range []*time.Time{&r.Began, &r.First, &r.Last} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	for i := range r.Stalls {
		r.Stalls[i].At = r.Stalls[i].At.Add(by)
	}
}

// Stall is a pause that the reader of an answer felt.
type Stall struct {
	At    time.Time // of the token that ended it
	Took  time.Duration
	Cause string
}

const (
	maxStalls = 16
	// A pause is a stall if it is longer than longPause and paceTimes the mean pause of
	// its answer, or longer than shortPause while a cause was noted that is not usual.
	longPause  = 250 * time.Millisecond
	shortPause = 50 * time.Millisecond
	paceTimes  = 4
)

// judge decides whether the pause before a token was a stall. Before the first token
// only causes that block are, from their first notice on.
func (r *Request) judge(all causes, pause time.Duration, now time.Time) {
	mean := r.mean()
	first := r.First.IsZero()
	why, since, fault := all.between(r.Last, now, r.ID, first)
	switch {
	case first && (why == "" || now.Sub(since) <= longPause):
	case first:
		r.feel(Stall{At: now, Took: min(pause, now.Sub(since)), Cause: why})
	case fault && pause > shortPause && pause > 2*mean, mean > 0 && pause > longPause && pause > paceTimes*mean:
		r.feel(Stall{At: now, Took: pause, Cause: cmp.Or(why, UnknownCause)})
	}
}

// mean is the mean pause between the tokens so far; 0 before the second.
func (r *Request) mean() time.Duration {
	if r.Tokens < 2 {
		return 0
	}
	return r.Last.Sub(r.First) / time.Duration(r.Tokens-1)
}

// feel adds a stall.
func (r *Request) feel(s Stall) {
	r.Felt++
	if len(r.Stalls) == maxStalls {
		copy(r.Stalls, r.Stalls[1:])
		r.Stalls = r.Stalls[:maxStalls-1]
	}
	r.Stalls = append(r.Stalls, s)
}
