package rpc

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// maxRefusals bounds the refusals in the outbox: a refused call holds no
// credits. Answers of accepted calls are bounded by their credits.
const maxRefusals = 64

// exchange is the node's end of one stream. Its users are the reader, the writer,
// the handler's goroutines, which call request.answered, and Server.Drain, which
// only pushes to out. A handler may answer after the stream has ended.
type exchange struct {
	server *Server
	stream grpc.ServerStream
	router moe.RouterID
	out    *outbox
	last   uint64 // sequence number; only the reader uses it

	mu       sync.Mutex          // guards the fields below
	rows     int                 // in flight, until the writer takes their answer
	refusals int                 // whose answer the writer has not taken
	calls    map[uint64]*request // that the handler has, by sequence number
	ended    bool                // no answer can be sent any more
}

// request is a call in flight. Its memory is used again for another call.
//
// The reader fills a request before Serve. From then on x.mu guards canceled and
// cancel; the other fields do not change until forget.
type request struct {
	callReader
	x        *exchange
	rows     int  // credits that the call holds
	hold     hold // of the call's rows
	canceled bool
	cancel   func() bool             // the handler's; nil until Serve has returned it
	answer   func(*moe.Reply, error) // r.answered, made once
}

func (s *Server) request() *request {
	r, ok := s.requests.Get().(*request)
	if !ok {
		r = &request{}
		r.answer = r.answered
	}
	return r
}

// forget returns a request to the pool and frees its rows. No reference to it may
// be left, in x.calls or in the handler.
func (s *Server) forget(r *request) {
	r.hold.free()
	r.callReader.clear()
	r.x, r.rows, r.canceled, r.cancel = nil, 0, false, nil
	s.requests.Put(r)
}

// write is the only sender of the stream. Credits go back before the router
// can see the answer, and spend them again. It ends with the outbox, or when a
// send fails; the stream is broken then, and its credits stay taken.
func (x *exchange) write() {
	for m := x.out.next(); m != nil; m = x.out.next() {
		x.mu.Lock()
		x.rows -= m.rows
		if m.refusal {
			x.refusals--
		}
		x.mu.Unlock()
		if x.stream.SendMsg(m) != nil {
			return // the reader learns why
		}
	}
}

// read is the only receiver of the stream. It never waits on the writer: two
// ends that each wait for the other to read would stop both for good. in is
// received into again and again; whatever memory it still holds is freed here.
func (x *exchange) read(in *incoming) error {
	defer in.hold.free()
	for {
		in.hold.free()
		if err := x.stream.RecvMsg(in); errors.Is(err, io.EOF) {
			return nil // the router left
		} else if err != nil {
			return err
		}
		if err := x.receive(in); err != nil {
			return err
		}
	}
}

// receive acts on a message. An error ends the stream.
func (x *exchange) receive(in *incoming) error {
	switch {
	case in.err != nil:
		return status.Errorf(codes.DataLoss, "damaged message: %v", in.err)
	case in.field == bodyCall:
		return x.accept(in)
	case in.field == bodyCancel:
		sequence, err := readCancel(in.body)
		if err != nil {
			return status.Errorf(codes.DataLoss, "damaged cancel: %v", err)
		}
		x.cancel(sequence)
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "message %d where a call or a cancel was expected", in.field)
}

// accept starts a call, or refuses it. Sequence numbers must ascend: a repeated
// one would be computed twice.
func (x *exchange) accept(in *incoming) error {
	cfg := &x.server.cfg
	r := x.server.request()
	invalid := r.read(in.body, in.payload, cfg.RowBytes)
	if size := max(len(in.payload), r.call.OutRows()*cfg.RowBytes); invalid == nil && size > cfg.MaxPayload {
		invalid = fmt.Errorf("a payload of %d bytes, the limit is %d either way", size, cfg.MaxPayload)
	}
	// An invalid call has its sequence number too, so that its refusal names it. A
	// body that is cut off before the number reads as 0, which never ascends.
	sequence := r.sequence
	if sequence <= x.last {
		x.server.forget(r)
		return status.Errorf(codes.DataLoss, "call %d after call %d", sequence, x.last)
	}
	x.last = sequence
	r.x, r.rows = x, r.call.OutRows()
	var err error
	switch {
	case invalid != nil:
		err = &moe.Error{Op: op, Node: cfg.Node, Kind: moe.Invalid, Err: invalid}
	case !x.reserve(r):
		err = &moe.Error{Op: op, Node: cfg.Node, Kind: moe.Busy, Err: errors.New("all credits of the stream are in use")}
	}
	if err != nil {
		x.server.forget(r)
		return x.refuse(sequence, err)
	}
	r.call.Router, r.call.Fingerprint = x.router, cfg.Fingerprint
	// The request keeps the rows from here on, and Serve may answer, and so forget,
	// the request before it returns. x.mu is not held, because answered takes it.
	r.hold, in.hold = in.hold, hold{}
	cancel := cfg.Handler.Serve(&r.call, r.answer)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.calls[sequence] == r { // otherwise it has ended, and r may hold another call
		// No cancel came before: the reader cancels, and the reader is here. If
		// Serve panics, cancel stays nil, and end only marks the call.
		r.cancel = cancel
	}
	return nil
}

// reserve takes credits for a call and makes it visible to cancel. A call larger
// than all credits is let through when no other is in flight, or it could never
// run. A router counts the same way, but its credits for a canceled call return
// at once: while this node still computes that call, a new one may be refused.
func (x *exchange) reserve(r *request) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rows+r.rows > x.server.cfg.CreditRows && x.rows > 0 {
		return false
	}
	x.rows += r.rows
	x.calls[r.sequence] = r
	return true
}

// refuse answers a call that took no credits. A router that does not read its
// refusals loses its stream, because nothing else bounds them.
func (x *exchange) refuse(sequence uint64, err error) error {
	x.mu.Lock()
	full := x.refusals == maxRefusals
	if !full {
		x.refusals++
	}
	x.mu.Unlock()
	if full {
		return status.Errorf(codes.ResourceExhausted, "%d refused calls are unread", maxRefusals)
	}
	m := x.failure(sequence, err)
	m.refusal = true
	x.out.push(m)
	return nil
}

// answered takes the result of a call from the handler, on any goroutine. The
// result of a canceled call is dropped; its credits go back here, because the
// writer never sees it.
func (r *request) answered(reply *moe.Reply, err error) {
	x, sequence, rows := r.x, r.sequence, r.rows // r is forgotten below
	x.mu.Lock()
	delete(x.calls, sequence)
	unwanted := r.canceled || x.ended
	if unwanted {
		x.rows -= rows
	}
	x.mu.Unlock()
	// The handler reads the call's rows no more, so they go back before the answer
	// waits for its turn.
	x.server.forget(r)
	if unwanted {
		reply.Free()
		return
	}
	var m *outgoing
	if err != nil {
		m = x.failure(sequence, err)
	} else {
		m = x.server.out.replyMessage(sequence, reply)
	}
	m.rows = rows
	x.out.push(m)
}

func (x *exchange) failure(sequence uint64, err error) *outgoing {
	return x.server.out.plain(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Failure{Failure: failureToProto(sequence, err)}})
}

// cancel cancels a call. One that waits in the node's queue leaves it and gives
// its credits back at once; one that is being computed keeps its credits until it
// is done, because it still occupies the node. Neither is answered.
func (x *exchange) cancel(sequence uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if r := x.calls[sequence]; r != nil {
		x.cancelRequest(r)
	}
}

// cancelRequest cancels a call in flight. x.mu is held, so that the call cannot
// end, and be used again, meanwhile. The handler's cancel therefore runs under
// x.mu and takes the handler's lock: a handler must not hold that lock when it
// calls done, which takes x.mu.
func (x *exchange) cancelRequest(r *request) {
	r.canceled = true
	if r.cancel != nil && r.cancel() {
		delete(x.calls, r.sequence)
		x.rows -= r.rows
		x.server.forget(r)
	}
}

// end cancels the calls in flight and closes the outbox, which ends the writer.
// Calls that are being computed end later, and their results are dropped.
func (x *exchange) end() {
	x.mu.Lock()
	x.ended = true
	for _, r := range x.calls {
		x.cancelRequest(r)
	}
	x.mu.Unlock()
	x.out.close()
}
