package expertnode

import (
	"time"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
)

// maxStall is how long a node may reject calls without computing any before it
// stops renewing its lease.
const maxStall = 30 * time.Second

// watchdog detects a node that computes nothing while it rejects calls: the queue
// is full, or routers cancel calls that wait in it. A long computation by itself
// is no stall.
type watchdog struct {
	last  batcher.Progress // when a job was last computed
	since time.Time        // when the first call after that was turned away
}

func (w *watchdog) stuck(now time.Time, p batcher.Progress) bool {
	switch {
	case p.Computed != w.last.Computed:
		w.last, w.since = p, time.Time{}
	case p.Rejected == w.last.Rejected:
	case w.since.IsZero():
		w.since = now
	}
	return !w.since.IsZero() && now.Sub(w.since) > maxStall
}
