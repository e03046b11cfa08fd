package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// users send requests one after another: each has one at the cluster, or thinks.
type users struct {
	world    *world
	pool     []trace.Request
	next     int
	again    bool // the pool begins again
	think    time.Duration
	thinking int

	settled int // tokens of an answer for which faults wait; 0 is none
	waiting int // users without as many
}

// retryAfter is how long a user waits after a refusal.
const retryAfter = time.Second

// begin lets a number of users come within a time, and returns when the last one does.
func (u *users) begin(n int, within time.Duration) (last time.Duration) {
	now := u.world.loop.Now()
	for i := range n {
		after := time.Duration(float64(within) * float64(i) / float64(n))
		u.sendAfter(after)
		last = now + after
	}
	return last
}

// sendAfter sends the next request after a time, if there is one.
func (u *users) sendAfter(d time.Duration) {
	if u.next == len(u.pool) && u.again {
		u.next = 0
	}
	if u.next == len(u.pool) {
		return
	}
	t := u.pool[u.next]
	u.next++
	u.thinking++
	u.world.loop.AfterLocal(d, event.Func(func() {
		u.thinking--
		u.world.send(t, u.world.loop.Now())
	}))
}

// ended lets the user of a request that has ended go on.
func (u *users) ended(how outcome) {
	pause := u.think
	if how != completed {
		pause = max(pause, retryAfter)
	}
	u.sendAfter(pause)
}
