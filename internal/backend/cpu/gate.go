package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/poll"
)

// gate lets one goroutine wait for others. An open lets the next wait pass, or
// the one in progress; opens before that are one. There is one waiter.
type gate struct {
	state *atomic.Int32
	wake  chan struct{}
}

const (
	closed int32 = iota
	opened
	parked // closed, and the waiter sleeps
)

func newGate() gate { return gate{new(atomic.Int32), make(chan struct{}, 1)} }

// open lets the waiter pass.
func (g gate) open() {
	if g.state.Swap(opened) == parked {
		g.wake <- struct{}{}
	}
}

// wait returns once the gate has been opened.
func (g gate) wait() {
	if g.state.CompareAndSwap(closed, parked) {
		<-g.wake
	}
	// What came before an open that finds the waiter awake is seen too.
	g.state.Swap(closed)
}

// look reports whether the gate opens before over says so. It leaves it open.
// over costs more than a look, and other goroutines of the process may need the
// thread.
func (g gate) look(over func() bool) bool {
	const looks = 64
	for {
		for range looks {
			if g.state.Load() == opened {
				return true
			}
		}
		if over() {
			return false
		}
		runtime.Gosched()
	}
}

// waitFor looks for limit before it waits, while that pays.
func (g gate) waitFor(p *poll.Patience, limit time.Duration) {
	if limit > 0 && p.Try() {
		began := time.Now()
		p.Learn(g.look(func() bool { return time.Since(began) >= limit }))
	}
	g.wait()
}
