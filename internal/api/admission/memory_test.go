package admission

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemoryIsGivenBackOnceLargeRequestsHaveLeft, not between two requests of a burst,
// and not for small ones.
func TestMemoryIsGivenBackOnceLargeRequestsHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, given := New(1<<20, 1), atomic.Int64{}
		g.memory.giveBack = func() { given.Add(1) }
		after := func(d time.Duration) int64 {
			time.Sleep(d)
			synctest.Wait()
			return given.Load()
		}
		send := func(bytes int64) *Pass {
			p := g.Pass()
			if err := p.Hold(bytes); err != nil {
				t.Fatal(err)
			}
			return p
		}
		send(Small).Leave()
		if n := after(2 * quiet); n != 0 {
			t.Fatalf("given back %d times after a small request", n)
		}
		for range 5 {
			first, second := send(2*Small), send(2*Small)
			first.Leave()
			second.Leave()
			if n := after(quiet / 2); n != 0 {
				t.Fatalf("given back %d times in a burst", n)
			}
		}
		if n := after(quiet); n != 1 {
			t.Fatalf("given back %d times after a burst", n)
		}
		last := send(2 * Small)
		if n := after(2 * quiet); n != 1 {
			t.Fatalf("given back %d times beside a large request", n-1)
		}
		last.Leave()
		if n := after(2 * quiet); n != 2 {
			t.Fatalf("given back %d times after the last request", n-1)
		}
	})
}

// TestGivenBackMemoryIsTheSystems: the runtime has next to nothing that it does not use.
func TestGivenBackMemoryIsTheSystems(t *testing.T) {
	garbage := make([][]byte, 64)
	for i := range garbage {
		garbage[i] = make([]byte, 1<<20)
	}
	runtime.KeepAlive(garbage)
	giveBack()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if kept := m.HeapIdle - m.HeapReleased; kept > 16<<20 {
		t.Errorf("the runtime keeps %d bytes", kept)
	}
}
