package remote

import (
	"sync"
	"time"
)

const (
	// A router is silent after gapTimes its own longest gap between signs of life, if
	// that is more than Config.Silence, up to maxStretch times Config.Silence: a machine
	// that is short of processors makes gaps, and is not dead. On one that is not,
	// Config.Silence decides, as a gap is a heartbeat.
	gapTimes   = 3
	maxStretch = 4
	// gapPeriod is how long a gap counts at least; it counts twice that at most.
	gapPeriod = 15 * time.Second
	// An alarm that rings more than lagLimit late says that the gateway itself is short
	// of processors: what the router has sent may wait to be read. The alarm rings again
	// after a heartbeat, at most maxLate times in a row.
	lagLimit = 50 * time.Millisecond
	maxLate  = 4
	// maxStart bounds how long a router may take a request while it answers probes, as a
	// multiple of Config.Silence: to compile a grammar takes time.
	maxStart = 16
)

// rhythm is when signs of life of a router came. It is safe for concurrent use.
type rhythm struct {
	mu      sync.Mutex // guards the fields below
	last    time.Time  // of any call or probe
	longest time.Duration
	before  time.Duration // longest of the period before
	since   time.Time     // when the period began
}

// sign notes a sign of life, and the gap before it in its call; 0 is none.
func (r *rhythm) sign(now time.Time, gap time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	r.last, r.longest = now, max(r.longest, gap)
}

// turn begins a new period when the last one is over.
func (r *rhythm) turn(now time.Time) {
	switch age := now.Sub(r.since); {
	case age >= 2*gapPeriod:
		r.before, r.longest, r.since = 0, 0, now
	case age >= gapPeriod:
		r.before, r.longest, r.since = r.longest, 0, now
	}
}

// quiet is how long no sign of life came, at most most.
func (r *rhythm) quiet(now time.Time, most time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(most, now.Sub(r.last))
}

// patience is how long nothing may come of a call.
func (r *rhythm) patience(now time.Time, silence time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	return max(silence, min(gapTimes*max(r.longest, r.before), maxStretch*silence))
}

// hearing is what came of a call, and when an alarm looks at it again.
type hearing struct {
	silence time.Duration // Config.Silence
	least   time.Duration // silence, or more after calls that were silent
	began   time.Time
	last    time.Time // of what came; began before that
	taken   bool      // the router has the request: heartbeats come
	due     time.Time // of the alarm
	late    int       // alarms in a row that rang late
}

// outcome is what an alarm finds.
type outcome int

const (
	// waits: the alarm shall ring again.
	waits outcome = iota
	// asks: a probe shall ask whether the router lives.
	asks
	// isSilent: the answer shall go on at another router.
	isSilent
)

// look decides at an alarm, and returns when the next one shall ring, or how long a
// probe may take. A call that the router has not taken gets no heartbeats: signs of life
// of other calls and of probes count for it.
func (h *hearing) look(now time.Time, r *rhythm) (outcome, time.Duration) {
	lag, quiet, patience := now.Sub(h.due), now.Sub(h.last), max(h.least, r.patience(now, h.silence))
	if !h.taken {
		quiet = r.quiet(now, quiet)
	}
	if lag <= lagLimit {
		h.late = 0
	}
	switch {
	case !h.taken && now.Sub(h.began) >= maxStart*h.silence:
		return isSilent, 0
	case !h.taken && quiet < h.silence/2:
		return waits, h.silence/2 - quiet
	case !h.taken && quiet < patience:
		return asks, patience - quiet
	case quiet < patience:
		return waits, patience - quiet
	case lag > lagLimit && h.late < maxLate:
		h.late++
		return waits, h.silence / heartbeats
	}
	return isSilent, 0
}
