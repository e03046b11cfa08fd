package rpc

import (
	"slices"
	"sync"
)

// outbox holds messages for a stream's writer, in order. It has no bound of its
// own: maxCalls bounds it in a session, credits and maxRefusals in an exchange.
// That is what lets readers push without ever waiting for the writer.
//
// An outbox owns the messages in its queue: it passes each to the writer, or
// drops it. Messages are dropped after mu is unlocked, because the release of a
// payload is the caller's code.
type outbox struct {
	mu     sync.Mutex // guards the fields below
	filled sync.Cond  // there is a message, or it is closed
	queue  []*outgoing
	closed bool
}

func newOutbox() *outbox {
	o := &outbox{}
	o.filled.L = &o.mu
	return o
}

// push adds a message; a closed outbox drops it.
func (o *outbox) push(m *outgoing) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		m.drop()
		return
	}
	o.queue = append(o.queue, m)
	o.filled.Signal()
	o.mu.Unlock()
}

// next waits for a message; nil when the outbox is closed, even if messages were
// left. The writer owns the message and passes it to gRPC. One goroutine calls
// next, so one Signal wakes the right one.
func (o *outbox) next() *outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.filled.Wait()
	}
	if o.closed {
		return nil
	}
	m := o.queue[0]
	// Delete moves the rest down and zeroes the last place, so that the array is
	// used again and keeps no message alive. The queue is short.
	o.queue = slices.Delete(o.queue, 0, 1)
	return m
}

// remove drops the message of a call; false if the writer has taken it. A cancel
// and a drain have sequence 0 and are never removed.
func (o *outbox) remove(sequence uint64) bool {
	o.mu.Lock()
	at := slices.IndexFunc(o.queue, func(m *outgoing) bool { return m.sequence == sequence })
	if at < 0 {
		o.mu.Unlock()
		return false
	}
	m := o.queue[at]
	o.queue = slices.Delete(o.queue, at, at+1)
	o.mu.Unlock()
	m.drop()
	return true
}

// close ends the writer and drops the messages that it has not taken.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	queue := o.queue
	o.queue = nil
	o.filled.Signal()
	o.mu.Unlock()
	for _, m := range queue {
		m.drop()
	}
}
