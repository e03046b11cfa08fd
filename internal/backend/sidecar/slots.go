package sidecar

import "context"

// slots are the free slots of the memory of rows. A slot belongs to the call that took
// it until the helper has answered; then the call gives it back.
type slots chan int

func newSlots(n int) slots {
	s := make(slots, n)
	for i := range n {
		s <- i
	}
	return s
}

// take waits for a slot, until ctx or the helper ends.
func (s slots) take(ctx context.Context, gone <-chan struct{}) (slot int, ok bool) {
	select {
	case slot = <-s:
		return slot, true
	case <-ctx.Done():
	case <-gone:
	}
	return 0, false
}

// try takes a slot if one is free.
func (s slots) try() (slot int, ok bool) {
	select {
	case slot = <-s:
		return slot, true
	default:
		return 0, false
	}
}

func (s slots) give(slot int) { s <- slot }
