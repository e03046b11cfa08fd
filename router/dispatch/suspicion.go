package dispatch

import (
	"time"

	"github.com/hachi-serve/hachi/moe"
)

const (
	firstSuspicion   = time.Second
	longestSuspicion = 10 * time.Second
)

// suspicion is who is suspected until when. It decays: an accusation lasts a
// second, and twice as long each time it is repeated before the node answers.
type suspicion map[moe.NodeID]accusation

type accusation struct {
	until time.Time
	span  time.Duration
}

func (s suspicion) accuse(node moe.NodeID, now time.Time) {
	a := s[node]
	switch {
	case a.span == 0:
		a.span = firstSuspicion
	case now.After(a.until): // calls that failed together count once
		a.span = min(2*a.span, longestSuspicion)
	}
	a.until = now.Add(a.span)
	s[node] = a
}

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
