package cpu

import (
	"runtime"
	"sync/atomic"
	"time"
)

// gate lets one goroutine wait for another: every open lets one wait pass.
// There is one waiter, and no open before the wait for the last one returned.
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

// wait returns once the gate has been opened. It looks for spin long before it
// sleeps.
func (g gate) wait(spin time.Duration) {
	if spin > 0 {
		g.spin(spin)
	}
	if !g.state.CompareAndSwap(opened, closed) {
		if g.state.CompareAndSwap(closed, parked) {
			<-g.wake
		}
		g.state.Store(closed)
	}
}

// spin looks at the gate until it opens or the time is over. The clock costs
// more than a look, and other goroutines of the process may need the thread.
func (g gate) spin(limit time.Duration) {
	const looks = 64
	for end := time.Now().Add(limit); ; runtime.Gosched() {
		for range looks {
			if g.state.Load() == opened {
				return
			}
		}
		if !time.Now().Before(end) {
			return
		}
	}
}
