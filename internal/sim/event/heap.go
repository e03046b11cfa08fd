package event

import "time"

// item is an event in the queue.
type item struct {
	at    time.Duration
	order uint64 // of scheduling
	do    Handler
}

func (a *item) before(b *item) bool { return a.at < b.at || (a.at == b.at && a.order < b.order) }

// heap is a queue of items, the first at index 0. The children of i are at
// arity*i+1 to arity*i+arity.
type heap []item

const arity = 4

func (h *heap) push(x item) {
	*h = append(*h, x)
	s, i := *h, len(*h)-1
	for i > 0 {
		parent := (i - 1) / arity
		if !x.before(&s[parent]) {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = x
}

// next is when the first item fires; ok is false when there is none.
func (h *heap) next() (at time.Duration, ok bool) {
	if len(*h) == 0 {
		return 0, false
	}
	return (*h)[0].at, true
}

// pop takes the first item. The heap is not empty.
func (h *heap) pop() item {
	s := *h
	first, last := s[0], s[len(s)-1]
	s[len(s)-1] = item{} // the handler can be collected
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return first
	}
	i := 0
	for {
		child := arity*i + 1
		if child >= len(s) {
			break
		}
		best := child
		for c := child + 1; c < min(child+arity, len(s)); c++ {
			if s[c].before(&s[best]) {
				best = c
			}
		}
		if !s[best].before(&last) {
			break
		}
		s[i] = s[best]
		i = best
	}
	s[i] = last
	return first
}
