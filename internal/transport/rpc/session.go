package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// maxCalls bounds the calls in flight on a stream, whatever credits a node
// grants, and with them the outbox: it holds one message per call, the call
// itself or its cancel.
const maxCalls = 1024

// session is the router's end of one stream. It begins after the welcome, with a
// reader and a writer, and ends when the reader does; it is not used again.
type session struct {
	peer       *peer
	stream     grpc.ClientStream
	cancel     context.CancelFunc
	credits    int // rows, as the welcome grants them
	maxPayload int // bytes, the lower of both sides' limits
	out        *outbox
	done       chan struct{} // closed when the stream has ended
	drained    atomic.Bool   // the node has asked for no new calls
	goroutines sync.WaitGroup

	// order is held while a call takes its sequence number and its message is
	// encoded and queued, so that numbers ascend on the wire. Before mu.
	order sync.Mutex

	mu      sync.Mutex // guards the fields below
	last    uint64     // sequence number
	rows    int        // in flight: the sum of rows over pending
	pending map[uint64]pendingCall
	err     error // why the stream ended; not written after done
}

// pendingCall is a call that waits for its answer.
type pendingCall struct {
	rows    int
	pending *moe.PendingCall
}

// startSession takes over the stream and its cancel. The welcome comes from the
// network, so its numbers are cut to what an int holds.
func startSession(p *peer, stream grpc.ClientStream, cancel context.CancelFunc, w *hachiv1.Welcome) *session {
	s := &session{
		peer: p, stream: stream, cancel: cancel, out: newOutbox(), done: make(chan struct{}), pending: map[uint64]pendingCall{},
		credits: int(min(w.GetCreditRows(), math.MaxInt32)), maxPayload: int(min(w.GetMaxPayloadBytes(), uint64(p.pool.cfg.MaxPayload))),
	}
	s.goroutines.Go(s.write)
	s.goroutines.Go(s.read)
	return s
}

// ended reports that the stream has ended; err is set before.
func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// join ends the stream and waits for its reader and writer. The reader calls Done
// of the calls in flight, so join must not be called under a lock that Done takes.
func (s *session) join() {
	s.cancel()
	s.goroutines.Wait()
}

// start queues a call, or refuses it and releases its rows. It does not
// wait: a stream without credits refuses as Busy, and the caller's dispatch picks
// another replica.
func (s *session) start(c *moe.Call, t *moe.PendingCall) {
	s.order.Lock()
	sequence, err := s.register(c, t)
	if err == nil {
		s.out.push(s.peer.pool.out.callMessage(sequence, c))
	}
	s.order.Unlock()
	if err != nil {
		release(c)
		s.peer.finish(t, nil, err)
	}
}

// register takes credits and a sequence number for a call. A call larger than all
// credits is let through when no other is in flight, or it could never run.
func (s *session) register(c *moe.Call, t *moe.PendingCall) (uint64, error) {
	node, rows := s.peer.to.Node, c.OutRows()
	if len(c.X) > s.maxPayload {
		return 0, &moe.Error{Op: op, Node: node, Kind: moe.Invalid, Err: fmt.Errorf("a payload of %d bytes, the node accepts %d", len(c.X), s.maxPayload)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended():
		return 0, s.err
	case len(s.pending) == maxCalls, s.rows+rows > s.credits && s.rows > 0:
		return 0, &moe.Error{Op: op, Node: node, Kind: moe.Busy, Err: errors.New("all credits of the stream are in use")}
	}
	s.last++
	s.pending[s.last] = pendingCall{rows, t}
	s.rows += rows
	t.State, t.Number = s, s.last
	return s.last, nil
}

// abandon cancels a call, unless its answer has arrived. A call that the writer
// has not taken is never sent; for one that is sent, a cancel message follows.
func (s *session) abandon(sequence uint64) {
	p, ok := s.take(sequence)
	if !ok {
		return
	}
	if !s.out.remove(sequence) {
		s.out.push(s.peer.pool.out.plain(&hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Cancel{
			Cancel: &hachiv1.Cancel{Sequence: sequence},
		}}))
	}
	s.peer.finish(p.pending, nil, unreachable(s.peer.to.Node, context.Canceled))
}

// take removes a call from those in flight; false if it has ended. The goroutine
// that gets true ends the call: this is what makes every call end exactly once.
func (s *session) take(sequence uint64) (pendingCall, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pending[sequence]
	if ok {
		delete(s.pending, sequence)
		s.rows -= p.rows
	}
	return p, ok
}

// write is the only sender of the stream: SendMsg must not be called
// concurrently.
func (s *session) write() {
	for m := s.out.next(); m != nil; m = s.out.next() {
		if err := s.stream.SendMsg(m); err != nil {
			return // the reader learns why
		}
	}
}

// read is the only receiver of the stream; it ends the session. Once done is
// closed register adds no call, so the calls in pending are the last ones. Their
// Done is called without a lock: it may start a call, on another session.
func (s *session) read() {
	err := s.readAll()
	s.cancel()
	s.mu.Lock()
	s.err = err
	pending := s.pending
	s.pending = nil
	close(s.done)
	s.mu.Unlock()
	s.out.close()
	// A start that registered its call before done was closed may still encode
	// it. The caller may reuse the call once Done has returned, so the encoding
	// ends first.
	s.order.Lock()
	//nolint:staticcheck // SA2001: an empty section waits for the holder
	s.order.Unlock()
	for _, p := range pending {
		s.peer.finish(p.pending, nil, err)
	}
}

// readAll receives until the stream ends, and returns why. A reply takes in.hold
// with it; the memory of any other message is freed before the next one.
func (s *session) readAll() error {
	node := s.peer.to.Node
	in := &incoming{memory: &s.peer.pool.memory}
	defer in.hold.free()
	for {
		in.hold.free()
		if err := s.stream.RecvMsg(in); err != nil {
			return streamError(node, err)
		}
		if err := s.receive(in); err != nil {
			return &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: err}
		}
	}
}

// receive acts on a message. An error ends the stream. Replies are the hot path
// and have a reader of their own; failures and drains are rare.
func (s *session) receive(in *incoming) error {
	if in.err != nil {
		return in.err
	}
	if in.field == bodyReply {
		a := s.peer.pool.arrival()
		sequence, err := readReply(in.body, in.payload, &a.reply)
		if err != nil {
			return err
		}
		// From here on Reply.Free frees the memory, also if deliver drops the reply.
		a.hold, in.hold = in.hold, hold{}
		a.reply.Release = a.release
		return s.deliver(sequence, &a.reply, nil)
	}
	var r hachiv1.ExchangeResponse
	if err := in.generated(&r); err != nil {
		return err
	}
	switch {
	case r.GetFailure() != nil:
		return s.deliver(r.GetFailure().GetSequence(), nil, failureFromProto(s.peer.to.Node, r.GetFailure()))
	case r.GetDrain() != nil:
		s.drained.Store(true)
		s.peer.draining()
		return nil
	}
	return fmt.Errorf("unexpected message %d", in.field)
}

// deliver passes an answer to its call. A late one, to a call that was canceled,
// is dropped; one to a call that was never sent means damage.
func (s *session) deliver(sequence uint64, reply *moe.Reply, err error) error {
	p, ok := s.take(sequence)
	if !ok {
		reply.Free()
		s.mu.Lock()
		defer s.mu.Unlock()
		if sequence == 0 || sequence > s.last {
			return fmt.Errorf("an answer to call %d, the last one is %d", sequence, s.last)
		}
		return nil
	}
	s.peer.finish(p.pending, reply, err)
	return nil
}

// release tells the owner of a call's rows that nothing reads them.
func release(c *moe.Call) {
	if c.Release != nil {
		c.Release()
	}
}
