package rpc

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Handler computes calls. Its methods are called from the readers of streams, one
// call at a time per stream and any number of streams at once.
type Handler interface {
	// Serve starts a call and returns without waiting for it. It calls done exactly
	// once with the result, from any goroutine, possibly before Serve returns. The
	// handler owns the call and its memory until then; the receiver of done owns the
	// reply's rows until it calls Release. The error is a *moe.Error.
	//
	// cancel removes a call that is not being computed yet: true means that the call
	// has ended and done is not called any more. Otherwise it does nothing and
	// returns false. cancel is nil if Serve has called done.
	Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool)
}

// ServerConfig describes a node to its routers.
type ServerConfig struct {
	Handler     Handler
	Node        moe.NodeID
	Fingerprint moe.Fingerprint
	RowBytes    int // of one row on the wire
	MaxPayload  int // bytes
	// CreditRows are the rows in flight per stream, counted per (row, expert).
	// 0 stands for as many as the stream's flow control has room for.
	CreditRows int
	// Caller is the name that the certificate of a stream's router has; nil where
	// routers have none.
	Caller func(ctx context.Context) (moe.RouterID, bool)
	// RowMemory lends the memory into which calls are copied from the wire, aligned to 64
	// bytes; nil leaves them where gRPC has received them, if in one piece.
	RowMemory func(n int) (b []byte, release func())
	// HelloWithin bounds the time from the beginning of a stream to its hello; 0 is 10 s.
	HelloWithin time.Duration
	Logger      *slog.Logger // nil is silent
}

// Server implements hachiv1.ExpertServiceServer. Memory, messages and requests are
// pooled per server and not per stream: streams come and go with the routers.
type Server struct {
	hachiv1.UnimplementedExpertServiceServer
	cfg      ServerConfig
	memory   rowbuf.Pool
	out      outbound
	requests sync.Pool // of *request

	mu       sync.Mutex // guards the fields below
	streams  map[*exchange]bool
	draining bool
}

// NewServer makes a server; register it on a grpc.Server made with
// ServerOptions.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.HelloWithin = cmp.Or(cfg.HelloWithin, helloWithin)
	if cfg.CreditRows == 0 {
		cfg.CreditRows = creditPayloads * cfg.MaxPayload / cfg.RowBytes
	}
	s := &Server{cfg: cfg, streams: map[*exchange]bool{}}
	s.out.memory = &s.memory
	return s
}

// Drain asks every router, present and future, to send nothing new. Calls are
// still answered: a router may have sent some before it reads the message.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	for x := range s.streams {
		x.out.push(s.drain())
	}
}

func (s *Server) drain() *outgoing {
	return s.out.plain(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Drain{Drain: &hachiv1.Drain{}}})
}

// enter and leave maintain the set of streams, for Drain. Enter and Drain take one
// lock, so a stream gets exactly one drain message, whichever comes first.
func (s *Server) enter(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[x] = true
	if s.draining {
		x.out.push(s.drain())
	}
}

func (s *Server) leave(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, x)
}

// Exchange implements the service: one call of it is one stream of a router.
func (s *Server) Exchange(stream grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error {
	in := &incoming{memory: &s.memory}
	if s.cfg.RowMemory != nil {
		in.memory, in.always = lends(s.cfg.RowMemory), true
	}
	router, err := s.greet(stream, in)
	if err != nil {
		return err
	}
	x := &exchange{server: s, stream: stream, router: router, out: newOutbox(), calls: map[uint64]*request{}}
	s.enter(x)
	defer s.leave(x)
	// A stream must not be used once its handler has returned, so the writer is
	// joined after end has closed its outbox. It is not held up for long: the stream's flow control has room for
	// all answers that credits allow, and a broken connection fails its SendMsg.
	var writer sync.WaitGroup
	writer.Go(x.write)
	defer writer.Wait()
	defer x.end()
	return s.readGuarded(x, in)
}

// readGuarded reads the stream. A panic, of the handler for example, ends the
// stream and not the process: the router sends the rows to another replica. The
// handler's own goroutines are not guarded here.
func (s *Server) readGuarded(x *exchange, in *incoming) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Logger.Error("expert call panicked", "router", x.router, "err", v, "stack", string(debug.Stack()))
			err = status.Errorf(codes.Internal, "panic: %v", v)
		}
	}()
	return x.read(in)
}

// helloWithin is the default of HelloWithin.
const helloWithin = 10 * time.Second

// receiveHello reads the first message of a stream, or ends a stream that says nothing:
// its end ends the reading too.
func (s *Server) receiveHello(stream grpc.ServerStream, in *incoming) error {
	received := make(chan error, 1)
	go func() { received <- stream.RecvMsg(in) }()
	timeout := time.NewTimer(s.cfg.HelloWithin)
	defer timeout.Stop()
	select {
	case err := <-received:
		return err
	case <-timeout.C:
		return status.Errorf(codes.DeadlineExceeded, "no hello within %v", s.cfg.HelloWithin)
	}
}

// greet reads the hello and answers with the welcome. Fingerprints must match:
// another model or other numerics would give other bits, without any error.
func (s *Server) greet(stream grpc.ServerStream, in *incoming) (moe.RouterID, error) {
	if err := s.receiveHello(stream, in); err != nil {
		return "", err
	}
	defer in.hold.free()
	var r hachiv1.ExchangeRequest
	if in.err == nil {
		in.err = in.generated(&r)
	}
	hello := r.GetHello()
	if in.err != nil || hello == nil {
		return "", status.Errorf(codes.DataLoss, "message %d where a hello was expected: %v", in.field, in.err)
	}
	if fp := moe.Fingerprint(hello.GetFingerprint()); fp != s.cfg.Fingerprint {
		return "", status.Errorf(codes.FailedPrecondition, "fingerprint %s, expected %s: model or numerics differ", fp, s.cfg.Fingerprint)
	}
	router := moe.RouterID(hello.GetRouterId())
	if s.cfg.Caller != nil {
		if name, ok := s.cfg.Caller(stream.Context()); !ok || name != router {
			return "", status.Errorf(codes.PermissionDenied, "the hello is of router %q, the certificate of %q", router, name)
		}
	}
	return router, stream.SendMsg(s.out.plain(&hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Welcome{Welcome: &hachiv1.Welcome{
		NodeId: string(s.cfg.Node), Fingerprint: string(s.cfg.Fingerprint),
		CreditRows: uint32(s.cfg.CreditRows), MaxPayloadBytes: uint64(s.cfg.MaxPayload),
	}}}))
}
