package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// session is the router's end of one stream.
type session struct {
	peer       *peer
	stream     grpc.ClientStream
	cancel     context.CancelFunc
	credits    int
	maxPayload int
	out        chan *frame
	done       chan struct{} // closed when the stream has ended
	goroutines sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	next    uint64
	rows    int // in flight
	pending map[uint64]pendingCall
	err     error // why the stream ended
}

type pendingCall struct {
	result chan result // capacity 1
	rows   int
}

type result struct {
	reply *moe.Reply
	err   error
}

func startSession(p *peer, stream grpc.ClientStream, cancel context.CancelFunc, w *hachiv1.Welcome) *session {
	s := &session{
		peer: p, stream: stream, cancel: cancel,
		credits: int(w.GetCreditRows()), maxPayload: int(w.GetMaxPayloadBytes()),
		// Two messages per call in flight: itself and its cancel.
		out: make(chan *frame, 2*int(w.GetCreditRows())+64), done: make(chan struct{}), pending: map[uint64]pendingCall{},
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
	node := s.peer.to.Node
	rows := c.OutRows()
	if len(c.X) > s.maxPayload {
		return nil, &moe.Error{Op: op, Node: node, Kind: moe.Invalid, Err: errors.New("the payload is larger than the node accepts")}
	}
	s.mu.Lock()
	switch {
	case s.ended():
		err := s.err
		s.mu.Unlock()
		return nil, err
	case s.rows+rows > s.credits && s.rows > 0:
		s.mu.Unlock()
		return nil, &moe.Error{Op: op, Node: node, Kind: moe.Busy}
	}
	s.next++
	sequence := s.next
	wait := pendingCall{make(chan result, 1), rows}
	s.pending[sequence] = wait
	s.rows += rows
	s.mu.Unlock()
	s.send(&frame{payload: c.X, body: &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: callToProto(sequence, c)}}})
	select {
	case r := <-wait.result:
		return r.reply, r.err
	case <-ctx.Done():
		s.forget(sequence)
		s.send(&frame{body: &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Cancel{Cancel: &hachiv1.Cancel{Sequence: sequence}}}})
		return nil, unreachable(node, ctx.Err())
	}
}

// send hands a message to the writer; it gives up when the stream has ended.
func (s *session) send(f *frame) {
	select {
	case s.out <- f:
	case <-s.done:
	}
}

// forget takes a call out of flight; nil if it was not.
func (s *session) forget(sequence uint64) *pendingCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pending[sequence]
	if !ok {
		return nil
	}
	delete(s.pending, sequence)
	s.rows -= p.rows
	return &p
}

// write is the only sender of the stream.
func (s *session) write() {
	for {
		select {
		case <-s.done:
			return
		case f := <-s.out:
			if err := s.stream.SendMsg(f); err != nil {
				return // the reader learns why
			}
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
	s.pending = map[uint64]pendingCall{}
	close(s.done)
	s.mu.Unlock()
	for _, p := range pending {
		p.result <- result{err: err}
	}
	s.peer.cfg.Broken(s.peer.to.Node)
}

func (s *session) readAll() error {
	node := s.peer.to.Node
	for {
		in := &frame{body: &hachiv1.ExchangeResponse{}}
		if err := s.stream.RecvMsg(in); err != nil {
			if status.Code(err) == codes.DataLoss {
				return &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: err}
			}
			return unreachable(node, err)
		}
		if in.err != nil {
			return &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: in.err}
		}
		response := in.body.(*hachiv1.ExchangeResponse)
		switch {
		case response.GetReply() != nil:
			s.deliver(response.GetReply().GetSequence(), replyFromProto(node, response.GetReply(), in.payload))
		case response.GetFailure() != nil:
			s.deliver(response.GetFailure().GetSequence(), result{err: failureFromProto(node, response.GetFailure())})
		case response.GetDrain() != nil:
			s.peer.cfg.Draining(node)
		}
	}
}

// deliver hands an answer to its call; one that came too late is dropped.
func (s *session) deliver(sequence uint64, r result) {
	if p := s.forget(sequence); p != nil {
		p.result <- r
	}
}

func replyFromProto(node moe.NodeID, p *hachiv1.CallReply, payload []byte) result {
	newer, err := moepb.PlacementFromProto(p.GetNewer())
	if err != nil {
		return result{err: &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: err}}
	}
	return result{reply: &moe.Reply{
		Y: payload, Newer: newer, Queue: time.Duration(p.GetQueueNs()), Compute: time.Duration(p.GetComputeNs()),
	}}
}
