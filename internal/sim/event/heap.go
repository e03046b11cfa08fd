package event

import (
	"math/bits"
	"time"
)

// item is an event in the queue.
type item struct {
	at    time.Duration
	order uint64 // of scheduling
	do    Handler
}

// before reports that a fires before b.
func (a *item) before(b *item) bool { return a.earlier(b) != 0 }

// earlier is 1 if a fires before b, else 0. It has no branch: of two events in a heap
// either comes first about as often, and a processor that guesses is wrong half of the time.
func (a *item) earlier(b *item) int {
	_, borrow := bits.Sub64(a.order, b.order, 0)
	_, borrow = bits.Sub64(uint64(a.at), uint64(b.at), borrow) // no time is below 0
	return int(borrow)
}

// first4 is the index of the item that fires first: of two pairs, and of their winners.
func first4(x *[arity]item) int {
	a, b := x[1].earlier(&x[0]), 2+x[3].earlier(&x[2])
	return a + (b-a)*x[b&3].earlier(&x[a&3])
}

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

// before reports that the first item of a heap fires before that of another.
func (h *heap) before(other *heap) bool {
	return len(*h) > 0 && (len(*other) == 0 || (*h)[0].before(&(*other)[0]))
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
		if all := s[child:]; len(all) >= arity {
			best += first4((*[arity]item)(all))
		} else {
			for c := range all[1:] {
				if all[c+1].before(&s[best]) {
					best = child + c + 1
				}
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
