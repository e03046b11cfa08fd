package rpc

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
)

// hasty answers some calls at once and others a little later; a call that waits
// can be canceled.
type hasty struct {
	memory  rowbuf.Pool
	pending atomic.Int64
}

func (h *hasty) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	answer := func() {
		y := expected(c)
		reply := &moe.Reply{}
		reply.Y, reply.Release = h.memory.Get(len(y))
		copy(reply.Y, y)
		done(reply, nil)
	}
	if rand.IntN(3) == 0 {
		answer()
		return nil
	}
	h.pending.Add(1)
	timer := time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, func() {
		h.pending.Add(-1)
		answer()
	})
	return func() bool {
		stopped := timer.Stop()
		if stopped {
			h.pending.Add(-1)
		}
		return stopped
	}
}

// TestMemoryIsNeverMixedUp has many callers, of which some give up, with rows
// of every way through gRPC (inside the head, in one buffer, in several) in
// memory that is overwritten as soon as it is free. A reply that is not the
// call's own, on either side, shows.
func TestMemoryIsNeverMixedUp(t *testing.T) {
	for _, spin := range []time.Duration{0, 100 * time.Microsecond} {
		t.Run(spin.String(), func(t *testing.T) { mixUp(t, spin) })
	}
}

func mixUp(t *testing.T, spin time.Duration) {
	h := &hasty{memory: rowbuf.Pool{Poison: true}}
	to, server, _ := serveSpinning(t, h, "f", spin)
	server.cfg.CreditRows = 20_000
	p := newPool(t, PoolConfig{Spin: spin})
	rows := rowbuf.Pool{Poison: true}
	var answered, abandoned, lent atomic.Int64
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(g)))
			for i := range 100 {
				c := call([]int{1, 3, 200, 1000, 4000}[rng.IntN(5)])
				c.Groups = c.Groups[:1]
				rng.Shuffle(len(c.X), func(i, j int) { c.X[i], c.X[j] = c.X[j], c.X[i] })
				want := expected(c)
				x, release := rows.Get(len(c.X))
				copy(x, c.X)
				lent.Add(1)
				c.X, c.Release = x, func() { lent.Add(-1); release() }
				patience := time.Minute
				if i%3 == 0 {
					patience = time.Duration(1+rng.IntN(1000)) * time.Microsecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				reply, err := p.Call(ctx, to, c)
				cancel()
				switch {
				case err == nil && !bytes.Equal(reply.Y, want):
					t.Errorf("a call of %d bytes got another's answer", len(want))
				case err == nil:
					answered.Add(1)
				case moe.KindOf(err) == moe.Busy || moe.KindOf(err) == moe.Unreachable:
					abandoned.Add(1)
				default:
					t.Error(err)
				}
				reply.Free()
			}
		})
	}
	all.Wait()
	if answered.Load() == 0 || abandoned.Load() == 0 {
		t.Errorf("%d answered, %d abandoned: both should happen", answered.Load(), abandoned.Load())
	}
	s := p.peers[to].live
	s.mu.Lock()
	if s.rows != 0 || len(s.pending) != 0 {
		t.Errorf("%d rows of %d calls are in flight at the router", s.rows, len(s.pending))
	}
	s.mu.Unlock()
	eventually.True(t, "the node's last call", func() bool { return h.pending.Load() == 0 })
	eventually.True(t, "the last rows", func() bool { return lent.Load() == 0 })
}

// TestDeadAndSlowNodesCostBoundedMemory: 10,000 rows wait for a node that never
// answers and for one that hardly does.
func TestDeadAndSlowNodesCostBoundedMemory(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dead := moe.Replica{Node: "n", Addr: l.Addr().String()}
	slow, _, _ := serve(t, &echo{gate: make(chan struct{})}, "f")
	p := newPool(t, PoolConfig{})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		var all sync.WaitGroup
		for i := range 1000 {
			to := []moe.Replica{dead, slow}[i%2]
			all.Go(func() {
				if _, err := p.Call(ctx, to, call(9)); err == nil {
					t.Error("answered")
				}
			})
		}
		all.Wait()
		cancel()
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("%d KiB of heap are kept", grown>>10)
	}
	// Two connections, each with a few goroutines on either side.
	eventually.True(t, fmt.Sprintf("the end of all but a few of %d goroutines", runtime.NumGoroutine()), func() bool {
		return runtime.NumGoroutine() < goroutines+30
	})
}
