package rpc

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// sum is the checksum of a message with this body and this payload; body
// must have no payload of its own.
func sum(t *testing.T, body proto.Message, payload []byte) uint32 {
	t.Helper()
	whole, err := proto.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return crc32.Update(crc32.Checksum(whole, castagnoli), castagnoli, payload)
}

// ask and answer are whole messages made with nothing of ours but the schema.
func ask(t *testing.T, r *hachiv1.ExchangeRequest, payload []byte) *hachiv1.ExchangeRequest {
	r.Crc32C = sum(t, r, payload)
	r.Payload = payload
	return r
}

func answer(t *testing.T, r *hachiv1.ExchangeResponse, payload []byte) *hachiv1.ExchangeResponse {
	r.Crc32C = sum(t, r, payload)
	r.Payload = payload
	return r
}

func hello() *hachiv1.ExchangeRequest {
	return &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{RouterId: "r", Fingerprint: "f"}}}
}

func welcome() *hachiv1.Welcome {
	return &hachiv1.Welcome{NodeId: "n", Fingerprint: "f", CreditRows: 100, MaxPayloadBytes: maxPayload}
}

func asCall(sequence uint64, c *moe.Call) *hachiv1.ExchangeRequest {
	return &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: callToProto(sequence, c)}}
}

// dial opens a stream to a node with plain protobuf, greeted.
func dial(t *testing.T, to moe.Replica) grpc.BidiStreamingClient[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse] {
	t.Helper()
	conn, err := grpc.NewClient(to.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	stream, err := hachiv1.NewExpertServiceClient(conn).Exchange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(ask(t, hello(), nil)); err != nil {
		t.Fatal(err)
	}
	if in, err := stream.Recv(); err != nil || in.GetWelcome() == nil {
		t.Fatalf("greeted with %v, %v", in, err)
	}
	return stream
}

// TestPlainProtobufClient speaks to a node with nothing of ours but the schema.
func TestPlainProtobufClient(t *testing.T) {
	to, server, _ := serve(t, &echo{}, "f")
	stream := dial(t, to)
	c := call(2)
	if err := stream.Send(ask(t, asCall(1, c), c.X)); err != nil {
		t.Fatal(err)
	}
	in, err := stream.Recv()
	if err != nil || !bytes.Equal(in.GetPayload(), expected(c)) || in.GetReply().GetSequence() != 1 {
		t.Fatalf("reply %v, %v", in, err)
	}
	if got, want := in.GetCrc32C(), sum(t, &hachiv1.ExchangeResponse{Body: in.Body}, in.Payload); got != want {
		t.Errorf("checksum %08x, want %08x", got, want)
	}
	server.Drain()
	server.Drain()
	if in, err = stream.Recv(); err != nil || in.GetDrain() == nil {
		t.Fatalf("drain %v, %v", in, err)
	}
	if err := stream.Send(ask(t, asCall(2, c), c.X)); err != nil {
		t.Fatal(err)
	}
	if in, err = stream.Recv(); err != nil || in.GetReply().GetSequence() != 2 {
		t.Fatalf("a draining node answers %v, %v", in, err)
	}
	late := dial(t, to)
	if in, err = late.Recv(); err != nil || in.GetDrain() == nil {
		t.Fatalf("a later stream hears %v, %v", in, err)
	}
}

// TestAStreamWithoutHelloEnds, although its router stays connected.
func TestAStreamWithoutHelloEnds(t *testing.T) {
	to, server, _ := serve(t, &echo{}, "f")
	server.cfg.HelloWithin = 20 * time.Millisecond // before the first stream
	conn, err := grpc.NewClient("passthrough:///"+to.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := hachiv1.NewExpertServiceClient(conn).Exchange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in, err := stream.Recv(); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a stream without a hello gets %v, %v", in, err)
	}
}

// TestHostileRouter: a node ends the stream of a router that breaks the
// protocol, with a reason, and serves on.
func TestHostileRouter(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "f")
	good := call(2)
	spoiled := ask(t, asCall(1, good), bytes.Clone(good.X))
	spoiled.Payload[0] ^= 1
	short := ask(t, asCall(1, good), good.X)
	short.Payload = short.Payload[:len(short.Payload)-1]
	tests := []struct {
		name string
		send []*hachiv1.ExchangeRequest
		want codes.Code
	}{
		{"payload damaged", []*hachiv1.ExchangeRequest{spoiled}, codes.DataLoss},
		{"payload truncated", []*hachiv1.ExchangeRequest{short}, codes.DataLoss},
		{"no body", []*hachiv1.ExchangeRequest{{}}, codes.DataLoss},
		{"a second hello", []*hachiv1.ExchangeRequest{ask(t, hello(), nil)}, codes.InvalidArgument},
		{"replayed", []*hachiv1.ExchangeRequest{ask(t, asCall(1, good), good.X), ask(t, asCall(1, good), good.X)}, codes.DataLoss},
		{"sequence descends", []*hachiv1.ExchangeRequest{ask(t, asCall(9, good), good.X), ask(t, asCall(8, good), good.X)}, codes.DataLoss},
		{"sequence 0", []*hachiv1.ExchangeRequest{ask(t, asCall(0, good), good.X)}, codes.DataLoss},
		{"oversized", []*hachiv1.ExchangeRequest{ask(t, asCall(1, good), make([]byte, maxPayload+headRoom+1))}, codes.ResourceExhausted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stream := dial(t, to)
			for _, m := range tt.send {
				if err := stream.Send(m); err != nil {
					t.Fatal(err)
				}
			}
			for {
				in, err := stream.Recv()
				if err == nil && in.GetReply() != nil {
					continue
				}
				if status.Code(err) != tt.want {
					t.Fatalf("ended with %v, %v, want %v", in, err, tt.want)
				}
				return
			}
		})
	}
	mustCall(t, newPool(t, PoolConfig{}), to)
}

// TestWrongShapesAreInvalid: each is refused by itself.
func TestWrongShapesAreInvalid(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "f")
	stream := dial(t, to)
	shapes := []struct {
		name    string
		call    *hachiv1.Call
		payload int
	}{
		{"rows and payload differ", &hachiv1.Call{Rows: 3, Groups: []*hachiv1.CallGroup{{Index: []uint32{0}}}}, 2 * rowBytes},
		{"row beyond 31 bits", &hachiv1.Call{Rows: 1, Groups: []*hachiv1.CallGroup{{Index: []uint32{math.MaxUint32}}}}, rowBytes},
		{"rows that overflow", &hachiv1.Call{Rows: math.MaxUint32, Groups: []*hachiv1.CallGroup{{Index: []uint32{0}}}}, rowBytes},
		{"nothing asked", &hachiv1.Call{Rows: 1, Groups: []*hachiv1.CallGroup{{Expert: 1}}}, rowBytes},
		{"reply beyond the limit", manyGroups(), 100 * rowBytes},
	}
	for i, tt := range shapes {
		tt.call.Sequence = uint64(i + 1)
		body := &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: tt.call}}
		if err := stream.Send(ask(t, body, make([]byte, tt.payload))); err != nil {
			t.Fatal(err)
		}
		in, err := stream.Recv()
		if err != nil || in.GetFailure().GetKind() != hachiv1.FailureKind_FAILURE_KIND_INVALID || in.GetFailure().GetSequence() != uint64(i+1) {
			t.Errorf("%s: %v, %v, want invalid", tt.name, in, err)
		}
	}
}

// manyGroups asks 2000 experts for 100 rows each.
func manyGroups() *hachiv1.Call {
	c := &hachiv1.Call{Rows: 100}
	for e := range uint32(2000) {
		g := &hachiv1.CallGroup{Expert: e}
		for row := range uint32(100) {
			g.Index = append(g.Index, row)
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

// puppet is a node of plain protobuf. It runs play after the hello.
type puppet struct {
	hachiv1.UnimplementedExpertServiceServer
	play func(grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error
}

func (p *puppet) Exchange(stream grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	return p.play(stream)
}

type exchangeServer = grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]

func servePuppet(t *testing.T, play func(exchangeServer) error) moe.Replica {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	hachiv1.RegisterExpertServiceServer(g, &puppet{play: play})
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	return moe.Replica{Node: "n", Addr: l.Addr().String()}
}

// greets sends a welcome and then does more.
func greets(t *testing.T, w *hachiv1.Welcome, more func(exchangeServer) error) func(exchangeServer) error {
	return func(stream exchangeServer) error {
		if err := stream.Send(answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Welcome{Welcome: w}}, nil)); err != nil {
			return err
		}
		return more(stream)
	}
}

// answersCalls replies to every call with what makeReply makes of it.
func answersCalls(t *testing.T, makeReply func(*hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse) func(exchangeServer) error {
	return func(stream exchangeServer) error {
		for {
			in, err := stream.Recv()
			if err != nil {
				return err
			}
			if in.GetCall() == nil {
				continue
			}
			if err := stream.Send(makeReply(in)); err != nil {
				return err
			}
		}
	}
}

func reply(t *testing.T, sequence uint64, payload []byte) *hachiv1.ExchangeResponse {
	return answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Reply{Reply: &hachiv1.CallReply{Sequence: sequence}}}, payload)
}

// TestHostileNode: a router turns what a node does wrong into an error of a
// known kind.
func TestHostileNode(t *testing.T) {
	silent := func(exchangeServer) error { return nil }
	with := func(change func(*hachiv1.Welcome)) *hachiv1.Welcome { w := welcome(); change(w); return w }
	tests := []struct {
		name string
		play func(exchangeServer) error
		want moe.Kind
	}{
		{"no welcome", silent, moe.Unreachable},
		{"drain for a welcome", func(s exchangeServer) error {
			return s.Send(answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Drain{Drain: &hachiv1.Drain{}}}, nil))
		}, moe.Corrupt},
		{"damaged welcome", func(s exchangeServer) error {
			return s.Send(&hachiv1.ExchangeResponse{Crc32C: 1, Body: &hachiv1.ExchangeResponse_Welcome{Welcome: welcome()}})
		}, moe.Corrupt},
		{"another model", greets(t, with(func(w *hachiv1.Welcome) { w.Fingerprint = "g" }), silent), moe.Mismatch},
		{"another node", greets(t, with(func(w *hachiv1.Welcome) { w.NodeId = "m" }), silent), moe.Unreachable},
		{"takes no payload", greets(t, with(func(w *hachiv1.Welcome) { w.MaxPayloadBytes = 0 }), answersCalls(t, nil)), moe.Invalid},
		{"leaves", greets(t, welcome(), silent), moe.Unreachable},
		{"damaged reply", greets(t, welcome(), answersCalls(t, func(in *hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			r := reply(t, in.GetCall().GetSequence(), []byte{1, 2, 3})
			r.Payload[1] ^= 1
			return r
		})), moe.Corrupt},
		{"empty message", greets(t, welcome(), answersCalls(t, func(*hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return &hachiv1.ExchangeResponse{}
		})), moe.Corrupt},
		{"oversized reply", greets(t, welcome(), answersCalls(t, func(in *hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return reply(t, in.GetCall().GetSequence(), make([]byte, maxPayload+headRoom+1))
		})), moe.Corrupt},
		{"answers a call that was never made", greets(t, welcome(), answersCalls(t, func(*hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return reply(t, 77, nil)
		})), moe.Corrupt},
		{"a placement with a hole", greets(t, welcome(), answersCalls(t, func(in *hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Reply{Reply: &hachiv1.CallReply{
				Sequence: in.GetCall().GetSequence(), Newer: &hachiv1.PlacementRecord{Epoch: 1, ExpertsPerLayer: []uint32{1}},
			}}}, nil)
		})), moe.Corrupt},
		{"a failure of no kind", greets(t, welcome(), answersCalls(t, func(in *hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Failure{Failure: &hachiv1.Failure{
				Sequence: in.GetCall().GetSequence(), Kind: 999, Message: "?",
			}}}, nil)
		})), moe.Internal},
		{"a second welcome", greets(t, welcome(), answersCalls(t, func(*hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
			return answer(t, &hachiv1.ExchangeResponse{Body: &hachiv1.ExchangeResponse_Welcome{Welcome: welcome()}}, nil)
		})), moe.Corrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPool(t, PoolConfig{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := p.Call(ctx, servePuppet(t, tt.play), call(2))
			if err == nil || moe.KindOf(err) != tt.want || ctx.Err() != nil {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestHugeCreditsCostNothing: what a node grants does not size anything here.
func TestHugeCreditsCostNothing(t *testing.T) {
	w := welcome()
	w.CreditRows, w.MaxPayloadBytes = math.MaxUint32, math.MaxUint64
	to := servePuppet(t, greets(t, w, answersCalls(t, func(in *hachiv1.ExchangeRequest) *hachiv1.ExchangeResponse {
		return reply(t, in.GetCall().GetSequence(), []byte{1})
	})))
	p := newPool(t, PoolConfig{})
	allocated := testing.AllocsPerRun(1, func() { mustCall(t, p, to) })
	if allocated > 10_000 {
		t.Errorf("%v allocations", allocated)
	}
	if s := p.peers[to].live; s.maxPayload != maxPayload {
		t.Errorf("payloads of %d bytes, want no more than %d", s.maxPayload, maxPayload)
	}
}

// TestRepeatedRepliesAreDropped: the second answer to a call does not answer
// another.
func TestRepeatedRepliesAreDropped(t *testing.T) {
	to := servePuppet(t, greets(t, welcome(), func(stream exchangeServer) error {
		for {
			in, err := stream.Recv()
			if err != nil {
				return err
			}
			sequence := in.GetCall().GetSequence()
			for range 3 {
				if err := stream.Send(reply(t, sequence, fmt.Append(nil, sequence))); err != nil {
					return err
				}
			}
		}
	}))
	p := newPool(t, PoolConfig{})
	for i := 1; i <= 50; i++ {
		reply, err := p.Call(t.Context(), to, call(1))
		if err != nil {
			t.Fatal(err)
		}
		if string(reply.Y) != fmt.Sprint(i) {
			t.Fatalf("call %d was answered with %s", i, reply.Y)
		}
		reply.Free()
	}
}

// TestNodeThatReadsNothing: calls end with their context, and what waits to be
// sent stays bounded.
func TestNodeThatReadsNothing(t *testing.T) {
	stuck := make(chan struct{})
	w := welcome()
	w.CreditRows = math.MaxUint32
	to := servePuppet(t, greets(t, w, func(stream exchangeServer) error {
		<-stuck
		return nil
	}))
	defer close(stuck)
	p := newPool(t, PoolConfig{})
	peer, err := p.acquire(to)
	if err != nil {
		t.Fatal(err)
	}
	defer p.release(peer)
	if _, err := peer.session(t.Context()); err != nil { // the stream is open
		t.Fatal(err)
	}
	for range 300 { // 240 KB each, far beyond every window
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
		c := call(30_000)
		if _, err := p.Call(ctx, to, c); err == nil {
			t.Fatal("answered")
		}
		cancel()
	}
	s := p.peers[to].live
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if n := len(s.out.queue); n > 300 {
		t.Errorf("%d messages wait", n)
	}
	for _, m := range s.out.queue {
		if m.sequence != 0 {
			t.Error("an abandoned call still waits to be sent")
		}
	}
}

// blocked is a ServerStream that takes no message until it is released.
type blocked struct {
	release chan struct{}
}

func (b *blocked) SetHeader(metadata.MD) error  { return nil }
func (b *blocked) SendHeader(metadata.MD) error { return nil }
func (b *blocked) SetTrailer(metadata.MD)       {}
func (b *blocked) Context() context.Context     { return context.Background() }
func (b *blocked) RecvMsg(any) error            { return nil }
func (b *blocked) SendMsg(m any) error {
	<-b.release
	m.(*outgoing).drop()
	return nil
}

// TestUnreadRefusalsEndTheStream, and do not take the room of accepted calls.
func TestUnreadRefusalsEndTheStream(t *testing.T) {
	h := &echo{}
	s := NewServer(ServerConfig{Handler: h, Node: "n", Fingerprint: "f", RowBytes: rowBytes, CreditRows: 8, MaxPayload: maxPayload})
	stream := &blocked{release: make(chan struct{})}
	x := &exchange{server: s, stream: stream, router: "r", out: newOutbox(), calls: map[uint64]*request{}}
	done := make(chan struct{})
	go func() { defer close(done); x.write() }()
	sequence := uint64(0)
	send := func(c *moe.Call) error {
		sequence++
		return x.receive(received(raw(newOutbound().callMessage(sequence, c)), 1<<20))
	}
	refused := call(1)
	refused.X = nil
	refusals := 0
	for ; refusals < 10*maxRefusals; refusals++ {
		if err := send(refused); err != nil {
			if status.Code(err) != codes.ResourceExhausted {
				t.Errorf("ended with %v", err)
			}
			break
		}
		if refusals == maxRefusals/2 {
			if err := send(call(3)); err != nil {
				t.Error(err)
			}
		}
	}
	if refusals != maxRefusals && refusals != maxRefusals+1 { // the writer may have one
		t.Errorf("%d refusals were queued, the limit is %d", refusals, maxRefusals)
	}
	if h.calls.Load() != 1 {
		t.Errorf("%d calls were computed", h.calls.Load())
	}
	close(stream.release)
	x.end()
	<-done
}
