package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
)

// warm runs the warm requests, all at once, to their ends, and forgets them.
func (w *world) warm(o Options) {
	w.start = w.loop.Now()
	for _, t := range o.Warm {
		w.send(t, w.start)
	}
	w.run(w.start, Options{Limit: o.Limit})
	w.requests, w.stats = nil, stats{}
}

// strike lets the faults begin: their times count from now.
func (w *world) strike() {
	w.stats.struck = w.loop.Now()
	for _, f := range w.coming {
		w.loop.After(f.At, event.Func(func() { w.befall(f) }))
	}
}

// began counts a user whose answer has a number of tokens, and lets the faults begin once
// every user has as many as they wait for.
func (u *users) began(tokens int) {
	if u.settled == 0 || tokens != u.settled {
		return
	}
	if u.waiting--; u.waiting == 0 {
		u.world.strike()
	}
}

// gap counts the time between two tokens of an answer.
func (q *request) gap(d time.Duration) {
	s := &q.world.stats
	s.gaps = append(s.gaps, d)
	if s.faults > 0 {
		q.longest = max(q.longest, d)
	}
}
