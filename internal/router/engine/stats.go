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
	BlocksCached int    // kept only for their content; freed when blocks run out
	Evictions    uint64 // cached blocks that were freed for other content

	PrefixQueries uint64 // tokens of prompts looked up in the prefix cache
	PrefixHits    uint64 // tokens found there

	Prompt      uint64 // prompt tokens of requests that reached their first token
	Generated   uint64 // tokens generated
	Drafted     uint64 // draft tokens verified
	Accepted    uint64 // of them, accepted
	Preemptions uint64
	Steps       uint64 // steps committed
	Abandoned   uint64 // steps abandoned because an expert had no live replica

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

// publish copies the counts of Run's goroutine into the snapshot: Stats must not
// read the scheduler and the pool, which have no lock.
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

// rate is a moving average of rows per second, with weight 1/16 for a new step.
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
	minRetryAfter = time.Second
	maxRetryAfter = time.Minute
)

// RetryAfter estimates when a request that found the queue full should try again:
//
//	clamp(waiting tokens / rows per second, 1 s, 60 s), in whole seconds
func (e *Engine) RetryAfter() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, tokens := e.admission.Waiting()
	if e.rate.perSecond == 0 {
		return minRetryAfter
	}
	seconds := min(maxRetryAfter.Seconds(), float64(tokens)/e.rate.perSecond)
	return max(minRetryAfter, time.Duration(seconds*float64(time.Second)).Round(time.Second))
}
