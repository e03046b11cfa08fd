package router

import (
	"sync"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// readiness is whether the router should be sent requests. It is a state
// machine over observations:
//
//	unplaced ── a placement ──▶ serving ── a step abandoned ──▶ paused
//	                               ▲                              │
//	                               └── a step committed, a newer ─┘
//	                                   placement, or long idle
//
// A placement is published only when every expert has a serving replica, so
// the first one makes the router ready. Paused is ready for 30 s: requests wait,
// and connections are not refused for a pause. A router that lost its
// clients knows nothing of its experts; after a while it is ready again, and the
// next request tells.
type readiness struct {
	mu     sync.Mutex // guards the fields below
	last   observation
	paused time.Time // since when an expert has been without a replica
	busy   time.Time // when there last was a request
}

// observation is what a router sees of its experts. Counts only grow.
type observation struct {
	epoch     moe.Epoch // 0 before the first placement
	abandoned uint64    // steps abandoned for want of a replica
	committed uint64    // steps that had all their replicas
	idle      bool      // there is no request
}

const (
	unservedFor = 30 * time.Second
	// forgetAfter is how long an idle router remembers a missing expert: as
	// long as the longest suspicion of a node.
	forgetAfter = 10 * time.Second
)

// observe takes news.
func (r *readiness) observe(now time.Time, o observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !o.idle {
		r.busy = now
	}
	switch {
	case o.committed != r.last.committed, o.epoch != r.last.epoch, now.Sub(r.busy) >= forgetAfter:
		r.paused = time.Time{}
	}
	if o.abandoned != r.last.abandoned && o.committed == r.last.committed && r.paused.IsZero() {
		r.paused = now
	}
	r.last = o
}

// ok reports whether requests should be sent here.
func (r *readiness) ok(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.epoch > 0 && (r.paused.IsZero() || now.Sub(r.paused) < unservedFor)
}
