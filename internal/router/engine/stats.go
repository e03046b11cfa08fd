package engine

import (
	"context"
	"errors"
	"time"
)

// Stats is a snapshot for metrics. Counts are since the start.
type Stats struct {
	Waiting int // requests that have no place yet, preempted ones among them
	Running int // requests that have one

	BlocksTotal  int
	BlocksUsed   int    // referred to by a running request
	BlocksCached int    // kept for their content alone; free if need be
	Evictions    uint64 // blocks whose content was given up

	PrefixQueries uint64 // tokens of prompts looked up in the prefix cache
	PrefixHits    uint64 // tokens found there

	Prompt      uint64 // prompt tokens of requests that reached their first token
	Generated   uint64 // tokens generated
	Drafted     uint64 // tokens guessed and verified
	Accepted    uint64 // of them, found right
	Preemptions uint64
	Steps       uint64 // steps committed
	Abandoned   uint64 // steps abandoned for want of a replica

	Started   uint64        // requests that left the queue
	QueueTime time.Duration // that they waited there, in total
	Rejected  uint64        // requests that found the queue full

	// Requests that ended: by a stop token or with ErrEnough, at their length, given up by the
	// client or out of time, and failed.
	Stopped, Length, Canceled, Failed uint64
}

// end counts a request's last event.
func (s *Stats) end(last Event) {
	switch {
	case last.Finish == Stop, errors.Is(last.Err, ErrEnough):
		s.Stopped++
	case last.Finish == Length:
		s.Length++
	case errors.Is(last.Err, context.Canceled), errors.Is(last.Err, context.DeadlineExceeded):
		s.Canceled++
	default:
		s.Failed++
	}
}

// Stats returns a snapshot.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// publish updates the snapshot.
func (e *Engine) publish() {
	cache := e.pool.Stats()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.stats
	s.Waiting, s.Running = e.sched.Waiting()+len(e.inbox), e.sched.Running()
	s.BlocksTotal, s.BlocksCached = e.pool.Total(), e.pool.Cached()
	s.BlocksUsed = e.pool.Total() - e.pool.Free()
	s.Evictions, s.PrefixQueries, s.PrefixHits = cache.Evictions, cache.Queries, cache.Hits
	s.Preemptions = e.sched.Preempted()
}

// rate is how fast rows are computed.
type rate struct{ perSecond float64 }

func (r *rate) observe(rows int, took time.Duration) {
	now := float64(rows) / max(took, time.Microsecond).Seconds()
	if r.perSecond == 0 {
		r.perSecond = now
	} else {
		r.perSecond += (now - r.perSecond) / 16
	}
}

const (
	soonest = time.Second
	latest  = time.Minute
)

// RetryAfter is when a request that found the queue full may try again: when
// the tokens that wait now should have been computed, in whole seconds, at
// least one and at most sixty.
func (e *Engine) RetryAfter() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, tokens := e.admission.Waiting()
	if e.rate.perSecond == 0 {
		return soonest
	}
	seconds := min(latest.Seconds(), float64(tokens)/e.rate.perSecond)
	return max(soonest, time.Duration(seconds*float64(time.Second)).Round(time.Second))
}
