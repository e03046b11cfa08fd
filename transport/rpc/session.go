package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// maxCalls bounds the calls in flight on a stream, whatever credits a node
// grants. An outbox holds one message for each, or its cancel.
const maxCalls = 1024

// session is the router's end of one stream.
type session struct {
	peer       *peer
	stream     grpc.ClientStream
	cancel     context.CancelFunc
	credits    int // rows
	maxPayload int // bytes
	out        *outbox
	done       chan struct{} // closed when the stream has ended
	goroutines sync.WaitGroup

	// order is held while a call takes its sequence number and its message is
	// encoded and queued, so that numbers ascend on the wire. Before mu.
	order sync.Mutex

	mu      sync.Mutex // guards the fields below
	last    uint64     // sequence number
	rows    int        // in flight
	pending map[uint64]*pendingCall
	err     error // why the stream ended
}

// pendingCall is a call that waits for its answer. It is used again.
type pendingCall struct {
	sequence uint64
	rows     int
	answered chan struct{} // capacity 1: reply and err are set
	reply    *moe.Reply
	err      error
}

func startSession(p *peer, stream grpc.ClientStream, cancel context.CancelFunc, w *hachiv1.Welcome) *session {
	s := &session{
		peer: p, stream: stream, cancel: cancel, out: newOutbox(), done: make(chan struct{}), pending: map[uint64]*pendingCall{},
		credits: int(min(w.GetCreditRows(), math.MaxInt32)), maxPayload: int(min(w.GetMaxPayloadBytes(), uint64(p.pool.cfg.MaxPayload))),
	}
	s.goroutines.Go(s.write)
	s.goroutines.Go(s.read)
	return s
}

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *session) join() {
	s.cancel()
	s.goroutines.Wait()
}

// call sends a call and waits for its answer.
func (s *session) call(ctx context.Context, c *moe.Call) (*moe.Reply, error) {
	p, err := s.send(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.answered:
	case <-ctx.Done():
		if s.abandon(p) {
			s.peer.pool.forget(p)
			return nil, unreachable(s.peer.to.Node, ctx.Err())
		}
		<-p.answered // it comes at once
	}
	reply, err := p.reply, p.err
	s.peer.pool.forget(p)
	return reply, err
}

// send queues a call, or refuses it and releases its rows.
func (s *session) send(c *moe.Call) (*pendingCall, error) {
	s.order.Lock()
	defer s.order.Unlock()
	p, err := s.register(c)
	if err != nil {
		release(c)
		return nil, err
	}
	s.out.push(s.peer.pool.out.callMessage(p.sequence, c))
	return p, nil
}

// register takes credits and a sequence number.
func (s *session) register(c *moe.Call) (*pendingCall, error) {
	node, rows := s.peer.to.Node, c.OutRows()
	if len(c.X) > s.maxPayload {
		return nil, &moe.Error{Op: op, Node: node, Kind: moe.Invalid, Err: fmt.Errorf("a payload of %d bytes, the node accepts %d", len(c.X), s.maxPayload)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended():
		return nil, s.err
	case len(s.pending) == maxCalls, s.rows+rows > s.credits && s.rows > 0:
		return nil, &moe.Error{Op: op, Node: node, Kind: moe.Busy, Err: errors.New("all credits of the stream are in use")}
	}
	p := s.peer.pool.pendingCall()
	s.last++
	p.sequence, p.rows = s.last, rows
	s.pending[p.sequence] = p
	s.rows += rows
	return p, nil
}

// abandon gives up on a call; false when its answer is there. A call that the
// writer has not taken is never sent; of another the node is told.
func (s *session) abandon(p *pendingCall) bool {
	if s.take(p.sequence) == nil {
		return false
	}
	if s.out.remove(p.sequence) {
		return true
	}
	s.out.push(s.peer.pool.out.plain(&hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Cancel{
		Cancel: &hachiv1.Cancel{Sequence: p.sequence},
	}}))
	return true
}

// take takes a call out of flight; nil if it was not.
func (s *session) take(sequence uint64) *pendingCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pending[sequence]
	if p != nil {
		delete(s.pending, sequence)
		s.rows -= p.rows
	}
	return p
}

// write is the only sender of the stream.
func (s *session) write() {
	for m := s.out.next(); m != nil; m = s.out.next() {
		if err := s.stream.SendMsg(m); err != nil {
			return // the reader learns why
		}
	}
}

// read is the only receiver of the stream; it ends the session.
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
	for _, p := range pending {
		p.err = err
		p.answered <- struct{}{}
	}
	s.peer.broken()
}

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

// receive acts on a message. An error ends the stream.
func (s *session) receive(in *incoming) error {
	if in.err != nil {
		return in.err
	}
	if in.field == bodyReply {
		sequence, reply, err := readReply(in.body, in.payload)
		if err != nil {
			return err
		}
		reply.Release = s.peer.pool.keep(&in.hold)
		return s.deliver(sequence, reply, nil)
	}
	var r hachiv1.ExchangeResponse
	if err := in.generated(&r); err != nil {
		return err
	}
	switch {
	case r.GetFailure() != nil:
		return s.deliver(r.GetFailure().GetSequence(), nil, failureFromProto(s.peer.to.Node, r.GetFailure()))
	case r.GetDrain() != nil:
		s.peer.draining()
		return nil
	}
	return fmt.Errorf("unexpected message %d", in.field)
}

// deliver hands an answer to its call. One that came too late is dropped; one
// to a call that was never made is damage.
func (s *session) deliver(sequence uint64, reply *moe.Reply, err error) error {
	p := s.take(sequence)
	if p == nil {
		reply.Free()
		s.mu.Lock()
		defer s.mu.Unlock()
		if sequence == 0 || sequence > s.last {
			return fmt.Errorf("an answer to call %d, the last one is %d", sequence, s.last)
		}
		return nil
	}
	p.reply, p.err = reply, err
	p.answered <- struct{}{}
	return nil
}

// release tells the owner of a call's rows that nothing reads them.
func release(c *moe.Call) {
	if c.Release != nil {
		c.Release()
	}
}
