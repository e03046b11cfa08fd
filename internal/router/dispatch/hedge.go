package dispatch

import "time"

const (
	// Hedges are at most hedgeShare of all rows sent, plus hedgeBurst: extra load
	// must not turn a slow cluster into an overloaded one.
	hedgeShare = 0.05
	hedgeBurst = 32
	// minHedge keeps the noise of an operating system's scheduler from looking
	// like a slow node.
	minHedge = 2 * time.Millisecond
	// suspectAfter = clamp(suspectTimes x patience, minSuspect, patience +
	// maxSuspectMargin). After it the node is marked suspect and the rows are sent
	// again outside the hedge budget.
	minSuspect       = 100 * time.Millisecond
	maxSuspectMargin = 200 * time.Millisecond
	suspectTimes     = 8
)

// budget is a token bucket of rows: sent rows fill it, hedges empty it. Source:
// the retry budget of Google's SRE book, chapter 21.
type budget struct{ rows float64 }

func (b *budget) earn(rows int) { b.rows = min(hedgeBurst, b.rows+hedgeShare*float64(rows)) }

// spend takes all of rows, or nothing: half a hedge would not end a late call.
func (b *budget) spend(rows int) bool {
	if float64(rows) > b.rows {
		return false
	}
	b.rows -= float64(rows)
	return true
}

// localHealth scores how late this process runs itself: to a router without CPU
// time every node looks slow. 0 is healthy. Source: Lifeguard, arXiv 1707.00788,
// section IV-A, local health multiplier.
type localHealth struct {
	score int
	since time.Time // of the last change of score
}

const (
	// A timer that fires more than lagLimit late raises the score by one, up to
	// maxHealthScore; one that is punctual lowers it, at most once per healEvery.
	lagLimit       = 20 * time.Millisecond
	maxHealthScore = 4
	healEvery      = time.Second
	// suspectDelay per point of score is added to suspectAfter.
	suspectDelay = 50 * time.Millisecond
)

// observe takes by how much a timer fired late.
func (h *localHealth) observe(now time.Time, lag time.Duration) {
	switch {
	case lag > lagLimit:
		h.score, h.since = min(maxHealthScore, h.score+1), now
	case h.score > 0 && now.Sub(h.since) > healEvery:
		h.score, h.since = h.score-1, now
	}
}

// delay makes a wait before a suspicion longer on an unhealthy router.
func (h *localHealth) delay(d time.Duration) time.Duration {
	return d + time.Duration(h.score)*suspectDelay
}

// waits are the deadlines of a call, as durations from its start; 0 is never.
// The stages that they lead to are drawn in doc.go.
type waits struct {
	hedgeAfter   time.Duration
	suspectAfter time.Duration
	abandonAfter time.Duration // never 0
}

// waitsFor derives the waits of a call from its patience, how long an undelayed
// call of its size takes at most. With patience 0, unknown, there is only
// abandonAfter.
func waitsFor(patience time.Duration, health *localHealth, abandonAfter time.Duration) waits {
	w := waits{abandonAfter: abandonAfter}
	if patience > 0 {
		w.hedgeAfter = max(minHedge, patience)
		w.suspectAfter = health.delay(max(minSuspect, min(suspectTimes*patience, patience+maxSuspectMargin)))
	}
	if w.suspectAfter >= abandonAfter {
		w.suspectAfter = 0 // the end of the call suspects the node
	}
	return w
}
