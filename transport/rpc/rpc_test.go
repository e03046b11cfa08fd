package rpc

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rowBytes = 8

// echo answers every (row, expert) with the row's bytes plus the expert id.
type echo struct {
	gate  chan struct{} // when not nil, a call waits for a value
	calls atomic.Int64
	fail  error
	newer *moe.Placement
}

func (e *echo) Serve(ctx context.Context, c *moe.Call) (*moe.Reply, error) {
	e.calls.Add(1)
	if e.gate != nil {
		select {
		case <-e.gate:
		case <-ctx.Done():
			return nil, &moe.Error{Kind: moe.Unreachable, Err: ctx.Err()}
		}
	}
	if e.fail != nil {
		return nil, e.fail
	}
	return &moe.Reply{Y: expected(c), Newer: e.newer, Queue: 1, Compute: 2}, nil
}

func expected(c *moe.Call) []byte {
	var y []byte
	for _, g := range c.Groups {
		for _, row := range g.Index {
			for _, b := range c.X[int(row)*rowBytes : (int(row)+1)*rowBytes] {
				y = append(y, b+byte(g.Expert))
			}
		}
	}
	return y
}

// serve runs a node until the test ends and returns its replica.
func serve(t *testing.T, h Handler, fp moe.Fingerprint) (moe.Replica, *Server, *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(ServerOptions(1 << 20)...)
	s := NewServer(ServerConfig{Handler: h, Node: "n", Fingerprint: fp, RowBytes: rowBytes, CreditRows: 8, MaxPayload: 1 << 20})
	hachiv1.RegisterExpertServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	return moe.Replica{Node: "n", Addr: l.Addr().String()}, s, g
}

func newPool(t *testing.T, cfg PoolConfig) *Pool {
	t.Helper()
	cfg.Router, cfg.MaxPayload = "r", 1<<20
	if cfg.Fingerprint == "" {
		cfg.Fingerprint = "f"
	}
	p := NewPool(cfg)
	t.Cleanup(p.Close)
	return p
}

func call(rows int) *moe.Call {
	c := &moe.Call{Fingerprint: "f", Epoch: 3, Layer: 1, Rows: rows}
	for i := range rows * rowBytes {
		c.X = append(c.X, byte(i*7))
	}
	all := make([]int32, rows)
	for i := range all {
		all[i] = int32(i)
	}
	c.Groups = []moe.Group{{Expert: 2, Index: all}, {Expert: 5, Index: all[rows-1:]}}
	return c
}

func TestCallsAreAnsweredInAnyOrder(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "f")
	p := newPool(t, PoolConfig{})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for {
				c := call(1 + i%3)
				reply, err := p.Call(t.Context(), to, c)
				if moe.KindOf(err) == moe.Busy && err != nil {
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
				} else if !bytes.Equal(reply.Y, expected(c)) || reply.Compute != 2 {
					t.Errorf("call %d: wrong reply", i)
				}
				return
			}
		})
	}
	wg.Wait()
}

func TestErrorsKeepKindAndPlacement(t *testing.T) {
	newer, err := moe.NewPlacement(9, "f", 1, 1, [][]moe.Replica{{{Node: "m", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	h := &echo{fail: &moe.Error{Op: "x", Kind: moe.NotHosted, Newer: newer, Err: errors.New("gone")}}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	_, err = p.Call(t.Context(), to, call(1))
	var e *moe.Error
	if !errors.As(err, &e) || e.Kind != moe.NotHosted || e.Newer == nil || e.Newer.Epoch() != 9 || e.Node != "n" {
		t.Fatalf("got %v", err)
	}
	h.fail, h.newer = nil, newer
	reply, err := p.Call(t.Context(), to, call(1))
	if err != nil || reply.Newer == nil || reply.Newer.Epoch() != 9 {
		t.Fatalf("reply %+v, %v", reply, err)
	}
}

func TestAnotherModelIsRefused(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "other")
	_, err := newPool(t, PoolConfig{}).Call(t.Context(), to, call(1))
	if err == nil || moe.KindOf(err) != moe.Mismatch {
		t.Fatalf("got %v, want mismatch", err)
	}
}

func TestBusyBeyondCredits(t *testing.T) {
	h := &echo{gate: make(chan struct{})}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	first := make(chan error, 1)
	go func() { _, err := p.Call(t.Context(), to, call(6)); first <- err }() // 7 of 8 rows
	for h.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Call(t.Context(), to, call(1)); moe.KindOf(err) != moe.Busy {
		t.Errorf("got %v, want busy", err)
	}
	h.gate <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestCancelledCallReturnsAtOnceAndStreamLives(t *testing.T) {
	h := &echo{gate: make(chan struct{})}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { _, err := p.Call(ctx, to, call(1)); failed <- err }()
	for h.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-failed; moe.KindOf(err) != moe.Unreachable {
		t.Errorf("got %v", err)
	}
	close(h.gate)
	if _, err := p.Call(t.Context(), to, call(2)); err != nil {
		t.Error(err)
	}
}

func TestDeadNodeFailsItsCallsAndComesBack(t *testing.T) {
	broken := make(chan moe.NodeID, 10)
	h := &echo{gate: make(chan struct{})}
	to, _, g := serve(t, h, "f")
	p := newPool(t, PoolConfig{Broken: func(n moe.NodeID) { broken <- n }})
	failed := make(chan error, 1)
	go func() { _, err := p.Call(t.Context(), to, call(1)); failed <- err }()
	for h.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	g.Stop()
	if err := <-failed; moe.KindOf(err) != moe.Unreachable {
		t.Errorf("pending call ended with %v", err)
	}
	if n := <-broken; n != "n" {
		t.Errorf("broken %s", n)
	}
	if _, err := p.Call(t.Context(), to, call(1)); moe.KindOf(err) != moe.Unreachable {
		t.Errorf("call to a dead node: %v", err)
	}
	back, _, _ := serve(t, &echo{}, "f")
	if _, err := p.Call(t.Context(), back, call(1)); err != nil {
		t.Errorf("call to the node that came back: %v", err)
	}
}

func TestMalformedCallsAreInvalidAndStreamLives(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "f")
	p := newPool(t, PoolConfig{})
	for name, spoil := range map[string]func(*moe.Call){
		"short payload":     func(c *moe.Call) { c.X = c.X[:3] },
		"row out of range":  func(c *moe.Call) { c.Groups[1].Index = []int32{7} },
		"rows out of order": func(c *moe.Call) { c.Groups[0].Index = []int32{1, 0} },
		"experts repeat":    func(c *moe.Call) { c.Groups[1].Expert = 2 },
		"nothing":           func(c *moe.Call) { c.Groups = nil },
	} {
		c := call(2)
		spoil(c)
		if _, err := p.Call(t.Context(), to, c); moe.KindOf(err) != moe.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if _, err := p.Call(t.Context(), to, call(2)); err != nil {
		t.Error(err)
	}
}

// TestPlainProtobufClient speaks to a node with nothing of ours but the
// schema, and sends it a damaged message.
func TestPlainProtobufClient(t *testing.T) {
	to, server, _ := serve(t, &echo{}, "f")
	conn, err := grpc.NewClient(to.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := hachiv1.NewExpertServiceClient(conn).Exchange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	send := func(r *hachiv1.ExchangeRequest, f *frame) {
		raw, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		var whole hachiv1.ExchangeRequest
		if err := (codec{}).Unmarshal(raw, &whole); err != nil {
			t.Fatal(err)
		}
		r.Crc32C, r.Payload = whole.Crc32C, f.payload
		if err := stream.Send(r); err != nil {
			t.Fatal(err)
		}
	}
	hello := &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{Fingerprint: "f"}}}
	send(hello, &frame{body: &hachiv1.ExchangeRequest{Body: hello.Body}})
	in, err := stream.Recv()
	if err != nil || in.GetWelcome().GetCreditRows() != 8 {
		t.Fatalf("welcome %v, %v", in, err)
	}
	c := call(2)
	ask := &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: callToProto(1, c)}}
	send(ask, &frame{body: &hachiv1.ExchangeRequest{Body: ask.Body}, payload: c.X})
	if in, err = stream.Recv(); err != nil || !bytes.Equal(in.GetPayload(), expected(c)) {
		t.Fatalf("reply %v, %v", in, err)
	}
	server.Drain()
	if in, err = stream.Recv(); err != nil || in.GetDrain() == nil {
		t.Fatalf("drain %v, %v", in, err)
	}
	ask.Payload[0] ^= 1
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Recv(); status.Code(err) != codes.DataLoss {
		t.Fatalf("a damaged message ended with %v, want data loss", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, rows := range []int{1, 3} {
		c := call(rows)
		raw, err := (&frame{payload: c.X, body: &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: callToProto(1, c)}}}).encode()
		if err != nil {
			f.Fatal(err)
		}
		whole := raw.Materialize()
		f.Add(whole)
		f.Add(whole[:len(whole)-3])
		f.Add(append([]byte{0xff, 0xff, 0xff}, whole...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := &frame{body: &hachiv1.ExchangeRequest{}}
		if in.decode(raw) != nil {
			return
		}
		if p := in.body.(*hachiv1.ExchangeRequest).GetCall(); p != nil {
			if c, err := callFromProto(p, in.payload, rowBytes, "f"); err == nil {
				expected(c) // every index is in range
			}
		}
		(&frame{body: &hachiv1.ExchangeResponse{}}).decode(raw)
	})
}

func TestEveryDamagedByteIsNoticed(t *testing.T) {
	c := call(2)
	slice, err := (&frame{payload: c.X, body: &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Call{Call: callToProto(1, c)}}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	raw := slice.Materialize()
	for i := range raw {
		for bit := range 8 {
			spoiled := bytes.Clone(raw)
			spoiled[i] ^= 1 << bit
			if err := (&frame{body: &hachiv1.ExchangeRequest{}}).decode(spoiled); err == nil {
				t.Errorf("byte %d bit %d: not noticed", i, bit)
			}
		}
		if err := (&frame{body: &hachiv1.ExchangeRequest{}}).decode(raw[:i]); err == nil {
			t.Errorf("cut at %d: not noticed", i)
		}
	}
}
