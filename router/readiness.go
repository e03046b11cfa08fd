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
// the first one makes the router ready. A paused router stays ready for 30 s: requests
// wait, and a pause refuses no connection. Without requests a router cannot learn
// whether the missing expert is back: after forgetAfter it reports ready again, and
// the next request shows whether it is.
type readiness struct {
	mu     sync.Mutex // guards the fields below
	last   observation
	paused time.Time // when an expert was first without a replica; zero if none is
	busy   time.Time // when the last request was seen
}

// observation is what a router sees of its experts. Counts only grow.
type observation struct {
	epoch     moe.Epoch // 0 before the first placement
	abandoned uint64    // steps abandoned because an expert had no replica
	committed uint64    // steps that had all their replicas
	idle      bool      // there is no request
}

const (
	unservedFor = 30 * time.Second
	// forgetAfter is how long an idle router remembers a missing expert: as
	// long as the longest suspicion of a node.
	forgetAfter = 10 * time.Second
)

// observe applies an observation.
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
