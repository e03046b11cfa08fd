package rpc

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
)

func mustCall(t *testing.T, p *Pool, to moe.Replica) {
	t.Helper()
	reply, err := p.Call(t.Context(), to, call(2))
	if err != nil {
		t.Fatal(err)
	}
	reply.Free()
}

// TestTheDrainOfAnOldAddressSaysNothing: a node that came up at another address is asked
// there.
func TestTheDrainOfAnOldAddressSaysNothing(t *testing.T) {
	var draining atomic.Int64
	before, oldServer, oldProcess := serve(t, &echo{}, "f")
	after, newServer, _ := serve(t, &echo{}, "f")
	p := newPool(t, PoolConfig{Draining: func(moe.NodeID) { draining.Add(1) }})
	mustCall(t, p, before)
	mustCall(t, p, after)
	old := p.peers[before].live
	oldServer.Drain()
	oldProcess.Stop()
	<-old.done
	old.goroutines.Wait()
	if draining.Load() != 0 {
		t.Errorf("the old address reported %d drains", draining.Load())
	}
	mustCall(t, p, after)
	newServer.Drain()
	eventually.True(t, "the drain of the present address", func() bool { return draining.Load() == 1 })
}

// TestAddressesOfANodeAreApart: calls to one address go on while another is
// called, and after that one is retired.
func TestAddressesOfANodeAreApart(t *testing.T) {
	slow := &echo{gate: make(chan struct{})}
	first, _, _ := serve(t, slow, "f")
	second, _, _ := serve(t, &echo{}, "f")
	p := newPool(t, PoolConfig{})
	p.retireAfter = 20 * time.Millisecond
	ended := make(chan error, 1)
	go func() { _, err := p.Call(t.Context(), first, call(1)); ended <- err }()
	eventually.True(t, "the slow call", func() bool { return slow.calls.Load() == 1 })
	mustCall(t, p, second)
	known := func(to moe.Replica) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.peers[to] != nil
	}
	eventually.True(t, "the retirement of the idle peer", func() bool { return !known(second) })
	if !known(first) {
		t.Error("a peer with a call in flight was retired")
	}
	slow.gate <- struct{}{}
	if err := <-ended; err != nil {
		t.Errorf("the slow call: %v", err)
	}
	eventually.True(t, "the retirement of the other", func() bool { return !known(first) })
	mustCall(t, p, second)
}

// TestCloseEndsTheWaitForAStream: the node accepts connections and never
// answers; two callers wait, one for the stream and one for its turn.
func TestCloseEndsTheWaitForAStream(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPool(t, PoolConfig{})
	to := moe.Replica{Node: "n", Addr: l.Addr().String()}
	ended := make(chan error, 2)
	for range 2 {
		go func() { _, err := p.Call(context.Background(), to, call(1)); ended <- err }()
	}
	eventually.True(t, "both callers", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.peers[to] != nil && p.peers[to].users == 2
	})
	peer := p.peers[to]
	p.Close()
	// One that found the peer before, and comes for its turn only now.
	if _, err := peer.session(context.Background()); moe.KindOf(err) != moe.Unreachable {
		t.Errorf("a late caller: %v, want unreachable", err)
	}
	for range 2 {
		if err := <-ended; moe.KindOf(err) != moe.Unreachable {
			t.Errorf("ended with %v, want unreachable", err)
		}
	}
	if _, err := p.Call(t.Context(), to, call(1)); moe.KindOf(err) != moe.Unreachable {
		t.Errorf("after the end: %v", err)
	}
}

// TestCanceledCallLeavesTheNode: its credits come back without an answer.
func TestCanceledCallLeavesTheNode(t *testing.T) {
	h := &echo{gate: make(chan struct{})}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	for i := range 20 { // each takes 7 of 8 credits
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { _, err := p.Call(ctx, to, call(6)); ended <- err }()
		eventually.True(t, "the call's arrival", func() bool { return h.calls.Load() == int64(i+1) })
		cancel()
		if err := <-ended; moe.KindOf(err) != moe.Unreachable {
			t.Errorf("canceled call ended with %v", err)
		}
		eventually.True(t, "the cancel", func() bool { return h.canceled.Load() == int64(i+1) })
	}
}

// TestRowsAreReleasedOnce: whatever becomes of a call.
func TestRowsAreReleasedOnce(t *testing.T) {
	h := &echo{}
	to, _, process := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	var calls, released atomic.Int64
	counted := func(rows int) *moe.Call {
		c := call(rows)
		calls.Add(1)
		var once atomic.Bool
		c.Release = func() {
			if once.Swap(true) {
				t.Error("a call was released twice")
			}
			released.Add(1)
		}
		return c
	}
	ask := func(ctx context.Context, c *moe.Call) {
		if reply, err := p.Call(ctx, to, c); err == nil {
			reply.Free()
		}
	}
	ask(t.Context(), counted(1))
	ask(t.Context(), counted(2000)) // sent from where it lies
	large := counted(1)
	large.X = make([]byte, maxPayload+1)
	ask(t.Context(), large)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	ask(canceled, counted(2000))
	eventually.True(t, "every release", func() bool { return released.Load() == calls.Load() })
	process.Stop()
	ask(t.Context(), counted(2000))
	p.Close()
	ask(t.Context(), counted(2000))
	// What gRPC had begun to write when its connection broke it never frees: that
	// memory is the garbage collector's.
	eventually.True(t, "the last release", func() bool { return released.Load() >= calls.Load()-1 })
}

// relayed is a node behind a relay.
func relayed(t *testing.T, h Handler) (moe.Replica, *faulty.Relay) {
	t.Helper()
	to, _, _ := serve(t, h, "f")
	r, err := faulty.NewRelay(to.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return moe.Replica{Node: "n", Addr: r.Addr()}, r
}

// TestDamageOnTheWire: a flipped bit, in either direction, is an error of a
// known kind and never a wrong answer; the next call goes through.
func TestDamageOnTheWire(t *testing.T) {
	for _, way := range []faulty.Direction{faulty.ToServer, faulty.ToClient} {
		to, relay := relayed(t, &echo{})
		p := newPool(t, PoolConfig{})
		c := call(512)
		c.Groups = c.Groups[:1]
		for range 5 {
			mustCall(t, p, to)
			relay.Set(way, faulty.Wire{Damage: 2000})
			if reply, err := p.Call(t.Context(), to, c); err == nil || moe.KindOf(err) != moe.Corrupt {
				t.Errorf("direction %d: %v, %v, want corrupt", way, reply, err)
			}
		}
	}
}

// TestHalfOpenConnection: answers are kept back without a reset. Calls end with
// their context, and the stream goes on when the wire does.
func TestHalfOpenConnection(t *testing.T) {
	to, relay := relayed(t, &echo{})
	p := newPool(t, PoolConfig{})
	mustCall(t, p, to)
	stream := p.peers[to].current()
	relay.Set(faulty.ToClient, faulty.Wire{Silent: true})
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if _, err := p.Call(ctx, to, call(2)); moe.KindOf(err) != moe.Unreachable {
			t.Errorf("half-open: %v", err)
		}
		cancel()
	}
	relay.Set(faulty.ToClient, faulty.Wire{})
	mustCall(t, p, to)
	if stream.ended() {
		t.Error("the stream ended")
	}
	relay.Cut()
	<-stream.done
	mustCall(t, p, to)
}
