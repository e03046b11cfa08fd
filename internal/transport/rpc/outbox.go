package rpc

import (
	"slices"
	"sync"
	"sync/atomic"
)

// outbox sends messages on a stream, in order, one at a time. push sends a message itself
// if gRPC has freed all earlier ones: SendMsg does not wait then, because the stream's write
// quota is whole (transport.writeQuota of grpc-go v1.85). Any other message waits for the
// writer, the goroutine of run. The queue has no bound of its
// own: maxCalls bounds it in a session, credits and maxRefusals in an exchange.
// That is what lets readers push without ever waiting for the writer.
//
//	push --idle--> sending --> gRPC's
//	push --a sender, a queue, or unfreed messages--> queue --run--> sending --> gRPC's
//
// An outbox owns the messages in its queue: it passes each to gRPC, or
// drops it. Messages are dropped after mu is unlocked, because the release of a
// payload is the caller's code.
type outbox struct {
	send    func(*outgoing) error // of the stream; one goroutine at a time calls it
	unfreed atomic.Int32          // messages that gRPC has

	mu      sync.Mutex // guards the fields below
	changed sync.Cond  // a message can be sent, no goroutine sends, or it is closed
	queue   []*outgoing
	sending bool // a goroutine is in send
	closed  bool
}

func newOutbox(send func(*outgoing) error) *outbox {
	o := &outbox{send: send}
	o.changed.L = &o.mu
	return o
}

// push sends a message or adds it to the queue; a closed outbox drops it. It does not wait.
func (o *outbox) push(m *outgoing) {
	o.mu.Lock()
	switch {
	case o.closed:
		o.mu.Unlock()
		m.drop()
		return
	case o.sending, len(o.queue) > 0, o.unfreed.Load() > 0:
		o.queue = append(o.queue, m)
		o.changed.Broadcast()
		o.mu.Unlock()
		return
	}
	o.sending = true
	o.mu.Unlock()
	_ = o.transmit(m) // the stream's reader learns why
}

// run sends what waits, until the outbox is closed or the stream is broken.
func (o *outbox) run() {
	for m := o.next(); m != nil; m = o.next() {
		if o.transmit(m) != nil {
			return // the reader learns why
		}
	}
}

// next waits for a message, and until no other is being sent; nil when the outbox is
// closed, even if messages were left. One goroutine calls next, and passes the message to
// transmit.
func (o *outbox) next() *outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.queue) == 0 || o.sending) && !o.closed {
		o.changed.Wait()
	}
	if o.closed {
		return nil
	}
	m := o.queue[0]
	// Delete moves the rest down and zeroes the last place, so that the array is
	// used again and keeps no message alive. The queue is short.
	o.queue = slices.Delete(o.queue, 0, 1)
	o.sending = true
	return m
}

// transmit passes a message to gRPC. The caller has set sending.
func (o *outbox) transmit(m *outgoing) error {
	o.unfreed.Add(1)
	m.via = o
	err := o.send(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sending = false
	if len(o.queue) > 0 || o.closed {
		o.changed.Broadcast()
	}
	return err
}

// remove drops the message of a call; false if gRPC has it. A cancel
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

// close ends run and drops the messages that gRPC does not have.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	queue := o.queue
	o.queue = nil
	o.changed.Broadcast()
	o.mu.Unlock()
	for _, m := range queue {
		m.drop()
	}
}

// join waits until no goroutine sends on the stream of a closed outbox.
func (o *outbox) join() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.sending {
		o.changed.Wait()
	}
}
