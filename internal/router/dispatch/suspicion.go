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
// after that end, for the doubling, until the node answers. A node without a connection
// is suspected for as long. Dispatcher.mu guards it.
type suspicion map[moe.NodeID]suspect

type suspect struct {
	until time.Time
	span  time.Duration
	lost  bool // there is no connection: suspected until there is one
	asked bool // the node itself asked to come last: it does, and is not suspected
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
	a.until, a.asked = now.Add(a.span), false
	s[node] = a
}

// lose suspects a node until find.
func (s suspicion) lose(node moe.NodeID) {
	a := s[node]
	a.lost, a.asked = true, false
	s[node] = a
}

// find ends what lose began, and no other suspicion; false if there was nothing to end.
func (s suspicion) find(node moe.NodeID) bool {
	a := s[node]
	if !a.lost {
		return false
	}
	a.lost = false
	s[node] = a
	return true
}

// avoid lets a node come last that asks for it.
func (s suspicion) avoid(node moe.NodeID, now time.Time) {
	if a := s[node]; !a.last(now) {
		a.until, a.asked = now.Add(minSpan), true
		s[node] = a
	}
}

// clear ends the suspicion of a node, but for a lost connection: an answer may be of
// the time before the loss. It is false if nothing has ended.
func (s suspicion) clear(node moe.NodeID) bool {
	a, ok := s[node]
	delete(s, node)
	if a.lost {
		s[node] = suspect{lost: true}
		return false
	}
	return ok
}

// last reports whether a node comes last among replicas at a time.
func (s suspicion) last(node moe.NodeID, now time.Time) bool { return s[node].last(now) }

// has reports whether a node is suspected at a time.
func (s suspicion) has(node moe.NodeID, now time.Time) bool {
	a := s[node]
	return a.last(now) && !a.asked
}

func (a suspect) last(now time.Time) bool { return a.lost || now.Before(a.until) }
