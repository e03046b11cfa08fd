package tokenizer

import "slices"

// candidate is a merge that was possible when it was pushed.
type candidate struct {
	merge
	left        int32 // index of the left span
	first, next int32 // symbols of the pair
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.left < d.left
}

// mergeQueue is a binary heap of candidates. container/heap would box every
// one of them, and a prompt has millions.
type mergeQueue []candidate

func (q *mergeQueue) push(c candidate) {
	h := *q
	if len(h) == cap(h) {
		h = slices.Grow(h, 1+len(h)) // twice; append would copy large ones more often
	}
	h = append(h, c)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !c.before(h[parent]) {
			break
		}
		h[i], i = h[parent], parent
	}
	h[i] = c
	*q = h
}

func (q *mergeQueue) pop() candidate {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i], i = h[child], child
	}
	if len(h) > 0 {
		h[i] = last
	}
	*q = h
	return top
}
