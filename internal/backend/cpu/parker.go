package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/poll"
)

// parker lets one goroutine wait for a permit. An unpark gives the permit: it
// lets the next park pass, or ends the one in progress. Permits do not add up.
// There is one waiter.
type parker struct {
	state *atomic.Int32
	wake  chan struct{}
}

const (
	empty  int32 = iota // no permit
	permit              // the next park passes
	parked              // no permit, and the waiter sleeps
)

func newParker() parker { return parker{new(atomic.Int32), make(chan struct{}, 1)} }

// unpark gives the permit.
func (p parker) unpark() {
	if p.state.Swap(permit) == parked {
		p.wake <- struct{}{}
	}
}

// park takes the permit, and sleeps until there is one.
func (p parker) park() {
	if p.state.CompareAndSwap(empty, parked) {
		<-p.wake
	}
	// The swap makes what the goroutine of unpark wrote visible, also when the
	// waiter did not sleep.
	p.state.Swap(empty)
}

// spin reports whether a permit comes before expired returns true. It leaves the
// permit. It asks expired, and yields its thread to other goroutines of the
// process, once in spinsPerYield polls: both cost more than a poll.
func (p parker) spin(expired func() bool) bool {
	const spinsPerYield = 64
	for {
		for range spinsPerYield {
			if p.state.Load() == permit {
				return true
			}
		}
		if expired() {
			return false
		}
		runtime.Gosched()
	}
}

// spinThenPark spins for limit before it parks, while that pays and allowed returns
// true.
func (p parker) spinThenPark(patience *poll.Patience, limit time.Duration, allowed func() bool) {
	if limit > 0 && allowed() && patience.Try() {
		began := time.Now()
		patience.Learn(p.spin(func() bool { return time.Since(began) >= limit || !allowed() }))
	}
	p.park()
}
