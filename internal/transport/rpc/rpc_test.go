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

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	rowBytes   = 8
	maxPayload = 1 << 20
)

// echo answers every (row, expert) with the row's bytes plus the expert id.
// With a gate a call is computed when it gets a value, and can be canceled
// until then; those canceled are counted.
type echo struct {
	gate     chan struct{}
	calls    atomic.Int64
	canceled atomic.Int64
	fail     error
	newer    *moe.Placement
	memory   rowbuf.Pool
}

func (e *echo) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	e.calls.Add(1)
	if e.gate == nil {
		e.answer(c, done)
		return nil
	}
	var begun atomic.Bool // computed or canceled
	canceled := make(chan struct{})
	go func() {
		select {
		case <-e.gate:
			if begun.CompareAndSwap(false, true) {
				e.answer(c, done)
			}
		case <-canceled:
		}
	}()
	return func() bool {
		if !begun.CompareAndSwap(false, true) {
			return false
		}
		e.canceled.Add(1)
		close(canceled)
		return true
	}
}

func (e *echo) answer(c *moe.Call, done func(*moe.Reply, error)) {
	if e.fail != nil {
		done(nil, e.fail)
		return
	}
	y := expected(c)
	reply := &moe.Reply{Newer: e.newer, Queue: 1, Compute: 2}
	reply.Y, reply.Release = e.memory.Get(len(y))
	copy(reply.Y, y)
	done(reply, nil)
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
	return serveSpinning(t, h, fp, 0)
}

func serveSpinning(t *testing.T, h Handler, fp moe.Fingerprint, spin time.Duration) (moe.Replica, *Server, *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = Spin(l, spin)
	g := grpc.NewServer(ServerOptions(maxPayload)...)
	s := NewServer(ServerConfig{Handler: h, Node: "n", Fingerprint: fp, RowBytes: rowBytes, CreditRows: 8, MaxPayload: maxPayload})
	s.memory.Poison = true
	hachiv1.RegisterExpertServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	return moe.Replica{Node: "n", Addr: l.Addr().String()}, s, g
}

func newPool(t *testing.T, cfg PoolConfig) *Pool {
	t.Helper()
	cfg.Router, cfg.MaxPayload = "r", maxPayload
	if cfg.Fingerprint == "" {
		cfg.Fingerprint = "f"
	}
	p := NewPool(cfg)
	p.memory.Poison = true
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
				reply.Free()
				return
			}
		})
	}
	wg.Wait()
}

func TestErrorsKeepKindAndPlacement(t *testing.T) {
	newer, err := moe.NewPlacement(9, "f", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "m", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	h := &echo{fail: &moe.Error{Op: "x", Kind: moe.NotHosted, Newer: newer, Err: errors.New("gone"), RetryAfter: 7}}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	_, err = p.Call(t.Context(), to, call(1))
	var e *moe.Error
	if !errors.As(err, &e) || e.Kind != moe.NotHosted || e.Newer == nil || e.Newer.Epoch() != 9 || e.Node != "n" || e.RetryAfter != 7 {
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
	eventually.True(t, "the call's arrival", func() bool { return h.calls.Load() == 1 })
	if _, err := p.Call(t.Context(), to, call(1)); moe.KindOf(err) != moe.Busy {
		t.Errorf("got %v, want busy", err)
	}
	h.gate <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestCanceledCallReturnsAtOnceAndStreamLives(t *testing.T) {
	h := &echo{gate: make(chan struct{})}
	to, _, _ := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { _, err := p.Call(ctx, to, call(1)); failed <- err }()
	eventually.True(t, "the call's arrival", func() bool { return h.calls.Load() == 1 })
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
	h := &echo{gate: make(chan struct{})}
	to, _, g := serve(t, h, "f")
	p := newPool(t, PoolConfig{})
	failed := make(chan error, 1)
	go func() { _, err := p.Call(t.Context(), to, call(1)); failed <- err }()
	eventually.True(t, "the call's arrival", func() bool { return h.calls.Load() == 1 })
	g.Stop()
	if err := <-failed; moe.KindOf(err) != moe.Unreachable {
		t.Errorf("pending call ended with %v", err)
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
