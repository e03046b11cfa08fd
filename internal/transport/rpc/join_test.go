package rpc

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// slowStream is a router that says hello, leaves when the node sends its first
// message after the welcome, and takes that message slowly.
type slowStream struct {
	grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]
	hello   *outgoing
	sent    int
	sending atomic.Bool
	begun   chan struct{}
}

func (s *slowStream) Context() context.Context { return context.Background() }

func (s *slowStream) RecvMsg(m any) error {
	if hello := s.hello; hello != nil {
		s.hello = nil
		m.(*incoming).take(hello.buffers())
		return nil
	}
	<-s.begun
	return io.EOF
}

func (s *slowStream) SendMsg(m any) error {
	if s.sent++; s.sent == 2 {
		s.sending.Store(true)
		close(s.begun)
		time.Sleep(time.Second)
		s.sending.Store(false)
	}
	m.(*outgoing).drop()
	return nil
}

func TestHandlerReturnsAfterItsWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(ServerConfig{Handler: &echo{}, Node: "n", Fingerprint: "f", RowBytes: rowBytes, CreditRows: 8, MaxPayload: maxPayload})
		s.Drain() // a message to send
		stream := &slowStream{begun: make(chan struct{}), hello: s.out.plain(&hachiv1.ExchangeRequest{
			Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{RouterId: "r", Fingerprint: "f"}},
		})}
		if err := s.Exchange(stream); err != nil {
			t.Error(err)
		}
		if stream.sending.Load() {
			t.Error("the handler has returned while its writer sends on the stream")
		}
	})
}

// panicking is a handler that panics at every call.
type panicking struct{}

func (panicking) Serve(*moe.Call, func(*moe.Reply, error)) func() bool { panic("wrong shape") }

func TestPanicOfAHandlerEndsTheStreamOnly(t *testing.T) {
	to, _, _ := serve(t, panicking{}, "f")
	p := newPool(t, PoolConfig{})
	for range 3 {
		if _, err := p.Call(t.Context(), to, call(1)); moe.KindOf(err) != moe.Unreachable {
			t.Errorf("a call to a node that panics: %v, want unreachable", err)
		} else if !strings.Contains(err.Error(), "panic") {
			t.Errorf("the error does not name the panic: %v", err)
		}
	}
}

func TestPoolCloseJoinsOpeningStreams(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts nothing: the stream never opens
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := NewPool(PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: maxPayload})
	var ended atomic.Bool
	var call0 moe.PendingCall
	call0.Done = func(*moe.Reply, error) {
		time.Sleep(50 * time.Millisecond)
		ended.Store(true)
	}
	p.Start(moe.Replica{Node: "n", Addr: l.Addr().String()}, call(1), &call0)
	p.Close()
	if !ended.Load() {
		t.Error("the pool is closed while a call still waits for its stream")
	}
}

// endedStream is a router's stream that ends at once.
type endedStream struct{ grpc.ClientStream }

func (endedStream) RecvMsg(any) error { return io.EOF }
func (endedStream) SendMsg(any) error { return io.EOF }

// TestACallIsEncodedBeforeItEnds: the caller of a call that ended may overwrite its
// rows, so a stream that ends waits for the start that encodes them.
func TestACallIsEncodedBeforeItEnds(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	p, err := newPeer(pool, moe.Replica{Node: "n", Addr: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.conn.Close()
	defer p.cancel()
	s := &session{
		peer: p, stream: endedStream{}, cancel: func() {}, out: newOutbox(), done: make(chan struct{}), pending: map[uint64]pendingCall{},
		credits: 8, maxPayload: maxPayload,
	}
	var encoding atomic.Bool
	ended := make(chan bool, 1)
	s.order.Lock() // as start does
	encoding.Store(true)
	if _, err := s.register(call(1), &moe.PendingCall{Done: func(*moe.Reply, error) { ended <- encoding.Load() }}); err != nil {
		t.Fatal(err)
	}
	go s.read()
	<-s.done
	time.Sleep(10 * time.Millisecond) // a stream that does not wait ends the call now
	encoding.Store(false)
	s.order.Unlock()
	if <-ended {
		t.Error("the call ended while its message was encoded")
	}
}
