package dispatch

import (
	"time"

	"github.com/hachi-serve/hachi/moe"
)

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

// suspicion maps each suspected node to the end of its suspicion. An entry stays
// after that end, for the doubling, until the node answers. Dispatcher.mu guards
// it.
type suspicion map[moe.NodeID]suspect

type suspect struct {
	until time.Time
	span  time.Duration
}

// add suspects a node after a wait without an answer.
func (s suspicion) add(node moe.NodeID, now time.Time, waited time.Duration) {
	a := s[node]
	span := min(max(minSpan, spanTimes*waited), maxSpan)
	switch {
	case a.span == 0:
		a.span = span
	case now.After(a.until): // calls in flight that fail together count once
		a.span = max(span, min(2*a.span, maxSpan))
	}
	a.until = now.Add(a.span)
	s[node] = a
}

// clear ends the suspicion of a node; false if there was none.
func (s suspicion) clear(node moe.NodeID) bool {
	_, ok := s[node]
	delete(s, node)
	return ok
}

// has reports whether a node is suspected at a time.
func (s suspicion) has(node moe.NodeID, now time.Time) bool {
	a, ok := s[node]
	return ok && now.Before(a.until)
}
