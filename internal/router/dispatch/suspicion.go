package dispatch

import (
	"time"

	"github.com/hachi-serve/hachi/moe"
)

const (
	firstSuspicion   = time.Second
	longestSuspicion = 10 * time.Second
)

// spanTimes is how many times longer than the wait that led to it a suspicion
// lasts at least: asking a silent node again costs that wait again.
const spanTimes = 8

// suspicion is who is suspected until when. It decays: an accusation lasts a
// second or longer, and twice as long each time it is repeated before the node
// answers.
type suspicion map[moe.NodeID]accusation

type accusation struct {
	until time.Time
	span  time.Duration
}

// accuse suspects a node that was waited for in vain.
func (s suspicion) accuse(node moe.NodeID, now time.Time, waited time.Duration) {
	a := s[node]
	least := min(max(firstSuspicion, spanTimes*waited), longestSuspicion)
	switch {
	case a.span == 0:
		a.span = least
	case now.After(a.until): // calls that failed together count once
		a.span = max(least, min(2*a.span, longestSuspicion))
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
