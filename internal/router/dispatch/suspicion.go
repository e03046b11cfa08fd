package dispatch

import "time"

// The first suspicion of a node lasts
//
//	clamp(spanTimes x waited, minSpan, maxSpan)
//
// because trying a silent node again costs the same wait again. Each repetition
// before the node answers doubles it, up to maxSpan.
const (
	minSpan   = time.Second
	maxSpan   = 10 * time.Second
	spanTimes = 8
)

// suspicion is what puts a node last among replicas; nil is none. It stays after its end,
// for the doubling, until the node answers. A node without a connection is suspected for
// as long. Dispatcher.mu guards it.
type suspicion struct {
	until time.Time
	span  time.Duration
	lost  bool // there is no connection: suspected until there is one
	asked bool // the node itself asked to come last: it does, and is not suspected
}

// suspicion is that of a node, for a change.
func (r *record) suspicion() *suspicion {
	if r.suspected == nil {
		r.suspected = &suspicion{}
	}
	return r.suspected
}

// suspect suspects a node after a wait without an answer.
func (r *record) suspect(now time.Time, waited time.Duration) {
	s := r.suspicion()
	span := min(max(minSpan, spanTimes*waited), maxSpan)
	switch {
	case s.span == 0:
		s.span = span
	case now.After(s.until): // calls in flight that fail together count once
		s.span = max(span, min(2*s.span, maxSpan))
	}
	s.until, s.asked = now.Add(s.span), false
	r.stats.Suspicions++
}

// lose suspects a node until find.
func (r *record) lose() {
	s := r.suspicion()
	s.lost, s.asked = true, false
	r.stats.Suspicions++
}

// find ends what lose began, and no other suspicion; false if there was nothing to end.
func (r *record) find() bool {
	if r.suspected == nil || !r.suspected.lost {
		return false
	}
	r.suspected.lost = false
	return true
}

// avoid lets a node come last that asks for it.
func (r *record) avoid(now time.Time) {
	if s := r.suspicion(); !s.last(now) {
		s.until, s.asked = now.Add(minSpan), true
	}
}

// trust ends the suspicion of a node, but for a lost connection: an answer may be of the
// time before the loss. It is false if nothing has ended.
func (r *record) trust() bool {
	s := r.suspected
	switch {
	case s == nil:
		return false
	case s.lost:
		*s = suspicion{lost: true}
		return false
	}
	r.suspected = nil
	return true
}

// last reports whether a node comes last among replicas at a time.
func (s *suspicion) last(now time.Time) bool { return s != nil && (s.lost || now.Before(s.until)) }

// has reports whether a node is suspected at a time.
func (s *suspicion) has(now time.Time) bool { return s.last(now) && !s.asked }
