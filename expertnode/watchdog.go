package expertnode

import (
	"time"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
)

// stalled is how long a node may turn work away without computing any before
// it gives up its lease.
const stalled = 30 * time.Second

// watchdog notices a node that does not move though there is more to do than
// it takes: calls are refused because the queue is full, or given up by their
// routers while they wait. A long computation alone is no stall.
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
	return !w.since.IsZero() && now.Sub(w.since) > stalled
}
