package rpc

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Handler computes a call. It may keep neither the call nor its memory. The
// error is a *moe.Error.
type Handler interface {
	Serve(ctx context.Context, c *moe.Call) (*moe.Reply, error)
}

// ServerConfig describes a node to its routers.
type ServerConfig struct {
	Handler     Handler
	Node        moe.NodeID
	Fingerprint moe.Fingerprint
	RowBytes    int // of one row on the wire
	CreditRows  int // rows in flight per stream, counted per (row, expert)
	MaxPayload  int // bytes
}

// Server implements hachiv1.ExpertServiceServer.
type Server struct {
	hachiv1.UnimplementedExpertServiceServer
	cfg   ServerConfig
	drain chan struct{} // closed by Drain
	once  sync.Once
}

// NewServer makes a server; register it on a grpc.Server made with
// ServerOptions.
func NewServer(cfg ServerConfig) *Server { return &Server{cfg: cfg, drain: make(chan struct{})} }

// Drain tells every router, now and later, to send nothing new. Calls are
// still answered.
func (s *Server) Drain() { s.once.Do(func() { close(s.drain) }) }

// exchange is the node's end of one stream.
type exchange struct {
	cfg    ServerConfig
	stream grpc.ServerStream
	ctx    context.Context
	out    chan outgoing

	mu      sync.Mutex // guards the fields below
	rows    int        // in flight, until their reply is sent
	cancels map[uint64]context.CancelFunc
}

// outgoing is a message for the writer and the credits its sending gives back.
type outgoing struct {
	frame *frame
	rows  int
}

// Exchange implements the service.
func (s *Server) Exchange(stream grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	// One place per call that credits allow, and some for refusals.
	x := &exchange{
		cfg: s.cfg, stream: stream, ctx: ctx,
		out: make(chan outgoing, s.cfg.CreditRows+64), cancels: map[uint64]context.CancelFunc{},
	}
	if err := x.greet(); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		err := x.write(s.drain)
		cancel()
		written <- err
	}()
	var handlers sync.WaitGroup
	err := x.read(&handlers)
	cancel()
	handlers.Wait()
	<-written
	return err
}

// greet checks that both sides compute the same thing.
func (x *exchange) greet() error {
	in := &frame{body: &hachiv1.ExchangeRequest{}}
	if err := x.stream.RecvMsg(in); err != nil {
		return err
	}
	hello := in.body.(*hachiv1.ExchangeRequest).GetHello()
	if in.err != nil || hello == nil {
		return status.Errorf(codes.DataLoss, "expected hello: %v", in.err)
	}
	if fp := moe.Fingerprint(hello.GetFingerprint()); fp != x.cfg.Fingerprint {
		return status.Errorf(codes.FailedPrecondition, "fingerprint %s, expected %s: model or numerics differ", fp, x.cfg.Fingerprint)
	}
	return x.stream.SendMsg(response(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Welcome{Welcome: &hachiv1.Welcome{
		NodeId: string(x.cfg.Node), Fingerprint: string(x.cfg.Fingerprint),
		CreditRows: uint32(x.cfg.CreditRows), MaxPayloadBytes: uint64(x.cfg.MaxPayload),
	}}}))
}

func response(r *hachiv1.ExchangeResponse) *frame { return &frame{body: r} }

// write is the only sender of the stream.
func (x *exchange) write(drain <-chan struct{}) error {
	for {
		select {
		case <-x.ctx.Done():
			return nil
		case <-drain:
			drain = nil
			if err := x.stream.SendMsg(response(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Drain{Drain: &hachiv1.Drain{}}})); err != nil {
				return err
			}
		case o := <-x.out:
			err := x.stream.SendMsg(o.frame)
			x.mu.Lock()
			x.rows -= o.rows
			x.mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// read is the only receiver of the stream. It never waits on the writer.
func (x *exchange) read(handlers *sync.WaitGroup) error {
	for {
		in := &frame{body: &hachiv1.ExchangeRequest{}}
		if err := x.stream.RecvMsg(in); err != nil {
			return nil // the router left
		}
		if in.err != nil {
			return status.Errorf(codes.DataLoss, "damaged message: %v", in.err)
		}
		request := in.body.(*hachiv1.ExchangeRequest)
		switch {
		case request.GetCall() != nil:
			if err := x.accept(request.GetCall(), in.payload, handlers); err != nil {
				return err
			}
		case request.GetCancel() != nil:
			x.cancel(request.GetCancel().GetSequence())
		default:
			return status.Error(codes.InvalidArgument, "expected a call or a cancel")
		}
	}
}

// accept starts a call, or refuses it. An error ends the stream.
func (x *exchange) accept(p *hachiv1.Call, payload []byte, handlers *sync.WaitGroup) error {
	c, err := callFromProto(p, payload, x.cfg.RowBytes, x.cfg.Fingerprint)
	if err != nil {
		return x.refuse(p.GetSequence(), &moe.Error{Op: op, Node: x.cfg.Node, Kind: moe.Invalid, Err: err})
	}
	rows := c.OutRows()
	ctx, ok := x.reserve(p.GetSequence(), rows)
	if !ok {
		return x.refuse(p.GetSequence(), &moe.Error{Op: op, Node: x.cfg.Node, Kind: moe.Busy})
	}
	handlers.Go(func() {
		reply, err := x.cfg.Handler.Serve(ctx, c)
		x.cancel(p.GetSequence())
		o := outgoing{rows: rows}
		if err != nil {
			o.frame = failure(p.GetSequence(), err)
		} else {
			o.frame = &frame{payload: reply.Y, body: &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Reply{Reply: &hachiv1.CallReply{
				Sequence: p.GetSequence(), QueueNs: uint64(reply.Queue), ComputeNs: uint64(reply.Compute),
				Newer: moepb.PlacementToProto(reply.Newer),
			}}}}
		}
		select { // never blocks: its room came with its credits
		case x.out <- o:
		case <-x.ctx.Done():
		}
	})
	return nil
}

// reserve takes credits for a call. A single call larger than all credits is
// let through alone, or it could never run.
func (x *exchange) reserve(sequence uint64, rows int) (context.Context, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rows+rows > x.cfg.CreditRows && x.rows > 0 {
		return nil, false
	}
	x.rows += rows
	ctx, cancel := context.WithCancel(x.ctx)
	x.cancels[sequence] = cancel
	return ctx, true
}

// refuse answers without credits. A router that ignores refusals loses its
// stream instead of holding up the reader.
func (x *exchange) refuse(sequence uint64, err error) error {
	select {
	case x.out <- outgoing{frame: failure(sequence, err)}:
		return nil
	default:
		return status.Error(codes.ResourceExhausted, "too many refused calls are unread")
	}
}

func failure(sequence uint64, err error) *frame {
	return response(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Failure{Failure: failureToProto(sequence, err)}})
}

// cancel ends a call's context, if it still runs.
func (x *exchange) cancel(sequence uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if cancel := x.cancels[sequence]; cancel != nil {
		cancel()
		delete(x.cancels, sequence)
	}
}
