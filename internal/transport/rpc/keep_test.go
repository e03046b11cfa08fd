package rpc

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// heard is what a pool says of its nodes.
type heard struct {
	mu   sync.Mutex // guards the fields below
	says []string
}

func (h *heard) note(what string) func(moe.NodeID) {
	return func(node moe.NodeID) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.says = append(h.says, what+" "+string(node))
	}
}

func (h *heard) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.says, ", ")
}

func (h *heard) until(t *testing.T, want string) {
	t.Helper()
	eventually.True(t, want, func() bool { return h.all() == want })
}

// keeping is a pool that says what it hears.
func keeping(t *testing.T, cfg PoolConfig) (*Pool, *heard) {
	t.Helper()
	h := &heard{}
	cfg.Lost, cfg.Found, cfg.Draining = h.note("lost"), h.note("found"), h.note("draining")
	p := newPool(t, cfg)
	return p, h
}

// streamTo waits until a pool has a stream to a replica.
func streamTo(t *testing.T, p *Pool, to moe.Replica) {
	t.Helper()
	eventually.True(t, "a stream to "+to.Addr, func() bool {
		p.mu.Lock()
		peer := p.peers[to]
		p.mu.Unlock()
		return peer != nil && peer.current() != nil
	})
}

// serveAt runs a node at an address until stop or the end of the test.
func serveAt(t *testing.T, addr string) (s *Server, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(ServerOptions(maxPayload)...)
	s = NewServer(ServerConfig{Handler: &echo{}, Node: "n", Fingerprint: "f", RowBytes: rowBytes, CreditRows: 8, MaxPayload: maxPayload})
	hachiv1.RegisterExpertServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	stop = func() { g.Stop(); <-done }
	t.Cleanup(stop)
	return s, stop
}

// TestANodeIsLostWithoutACall: a kept node to which nothing was ever sent dies, and
// comes back at its address.
func TestANodeIsLostWithoutACall(t *testing.T) {
	to, _, process := serve(t, &echo{}, "f")
	p, h := keeping(t, PoolConfig{})
	p.Keep([]moe.Replica{to})
	streamTo(t, p, to)
	process.Stop()
	h.until(t, "lost n")
	serveAt(t, to.Addr)
	h.until(t, "lost n, found n")
	mustCall(t, p, to)
}

// TestANodeThatNeverAnsweredIsLost, until the pool need not keep it any more.
func TestANodeThatNeverAnsweredIsLost(t *testing.T) {
	to, _, process := serve(t, &echo{}, "f")
	process.Stop()
	p, h := keeping(t, PoolConfig{})
	p.Keep([]moe.Replica{to})
	h.until(t, "lost n")
	p.Keep(nil)
	if got := h.all(); got != "lost n, found n" {
		t.Errorf("heard %q", got)
	}
}

// TestAKeptStreamIsNotRetired, and is once it is not kept any more.
func TestAKeptStreamIsNotRetired(t *testing.T) {
	to, _, _ := serve(t, &echo{}, "f")
	other, _, _ := serve(t, &echo{}, "f")
	p, h := keeping(t, PoolConfig{})
	p.retireAfter = 5 * time.Millisecond
	p.Keep([]moe.Replica{to})
	p.Keep([]moe.Replica{to})
	streamTo(t, p, to)
	mustCall(t, p, other)
	known := func(to moe.Replica) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.peers[to] != nil
	}
	eventually.True(t, "the retirement of the other", func() bool { return !known(other) })
	if !known(to) {
		t.Error("a kept stream was retired")
	}
	p.Keep(nil)
	eventually.True(t, "the retirement", func() bool { return !known(to) })
	if got := h.all(); got != "" {
		t.Errorf("heard %q", got)
	}
}

// TestANodeThatLeavesIsNotLost: it asked for no new calls, and ends its streams before
// the placement does without it. The process that takes its place is one like others.
func TestANodeThatLeavesIsNotLost(t *testing.T) {
	var log logtest.Log
	to, server, process := serve(t, &echo{}, "f")
	p, h := keeping(t, PoolConfig{Logger: log.Logger()})
	p.Keep([]moe.Replica{to})
	streamTo(t, p, to)
	stream := p.peers[to].current()
	server.Drain()
	h.until(t, "draining n")
	process.Stop()
	<-stream.done
	_, stop := serveAt(t, to.Addr)
	streamTo(t, p, to)
	if got := h.all(); got != "draining n" || log.String() != "" {
		t.Errorf("heard %q, log %q", got, log.String())
	}
	stop()
	h.until(t, "draining n, lost n")
}

// TestAFlappingLinkHasTwoLines, however often it breaks.
func TestAFlappingLinkHasTwoLines(t *testing.T) {
	const times = 5
	var log logtest.Log
	to, relay := relayed(t, &echo{})
	p, h := keeping(t, PoolConfig{Logger: log.Logger()})
	p.keepers.steady = time.Hour
	p.Keep([]moe.Replica{to})
	want := ""
	for range times {
		streamTo(t, p, to)
		relay.Cut()
		want += ", lost n, found n"
		h.until(t, strings.TrimPrefix(want, ", "))
	}
	if n := log.Count("\n"); n != 1 || log.Count("cannot be reached") != 1 {
		t.Errorf("%d lines while the link flaps: %s", n, log.String())
	}
	p.Keep(nil)
	if n := log.Count("\n"); n != 2 || log.Count("is reached again") != 1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
}

// TestTheFaultOfASteadyStreamEnds: its second line comes without another event.
func TestTheFaultOfASteadyStreamEnds(t *testing.T) {
	var log logtest.Log
	to, relay := relayed(t, &echo{})
	p, h := keeping(t, PoolConfig{Logger: log.Logger()})
	p.keepers.steady = time.Millisecond
	p.Keep([]moe.Replica{to})
	streamTo(t, p, to)
	relay.Cut()
	h.until(t, "lost n, found n")
	eventually.True(t, "the end of the fault", func() bool { return log.Count("is reached again") == 1 })
}

// TestCallsOfALinkThatFlapsEndOnce: each has an answer or an error, and no answer is
// another one.
func TestCallsOfALinkThatFlapsEndOnce(t *testing.T) {
	to, relay := relayed(t, &echo{})
	p, _ := keeping(t, PoolConfig{})
	p.Keep([]moe.Replica{to})
	stop, cut := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(cut)
		for {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
				relay.Cut()
			}
		}
	}()
	answered, failed := 0, 0
	for ended := 0; answered < 20 || failed < 20; ended++ {
		if ended == 100_000 {
			t.Fatalf("%d answers, %d failures", answered, failed)
		}
		c := call(2)
		reply, err := p.Call(t.Context(), to, c)
		switch {
		case err == nil && string(reply.Y) != string(expected(c)):
			t.Fatal("another answer")
		case err == nil:
			answered++
			reply.Free()
		case moe.KindOf(err) != moe.Unreachable:
			t.Fatal(err)
		default:
			failed++
		}
	}
	close(stop)
	<-cut
}
