package dispatch

import "time"

const (
	// hedgeShare and hedgeBurst bound the rows that are asked for twice on the
	// chance that the second answer comes first: 5 % of all, and a burst.
	hedgeShare = 0.05
	hedgeBurst = 32
	// leastHedge keeps the noise of a scheduler from looking like a slow node.
	leastHedge = 2 * time.Millisecond
	// A call is so late that its node counts as failing after suspectTimes its
	// patience, but leastSuspicion at least and mostSuspicion beyond its
	// patience at most: its rows are sent elsewhere, and not as a hedge.
	leastSuspicion = 100 * time.Millisecond
	mostSuspicion  = 200 * time.Millisecond
	suspectTimes   = 8
)

// budget is a bucket of rows that may be hedged: filled by rows that are sent,
// emptied by hedges. Source: the retry budget of Google's SRE book, chapter 21.
type budget struct{ rows float64 }

func (b *budget) earn(rows int) { b.rows = min(hedgeBurst, b.rows+hedgeShare*float64(rows)) }

// spend takes rows out, or nothing.
func (b *budget) spend(rows int) bool {
	if float64(rows) > b.rows {
		return false
	}
	b.rows -= float64(rows)
	return true
}

// awareness is how much a router distrusts its own clock: one that runs late
// itself takes every node for slow. Source: Lifeguard, arXiv 1707.00788,
// section IV-A, local health.
type awareness struct {
	score int
	since time.Time // of the last change
}

const (
	lateBy     = 20 * time.Millisecond
	worstScore = 4
	healsIn    = time.Second
	// perScore is added to the wait before an accusation.
	perScore = 50 * time.Millisecond
)

// woke notes by how much a timer fired late.
func (a *awareness) woke(now time.Time, late time.Duration) {
	switch {
	case late > lateBy:
		a.score, a.since = min(worstScore, a.score+1), now
	case a.score > 0 && now.Sub(a.since) > healsIn:
		a.score, a.since = a.score-1, now
	}
}

// stretch makes a wait before an accusation longer on a slow router.
func (a *awareness) stretch(d time.Duration) time.Duration {
	return d + time.Duration(a.score)*perScore
}

// waits are the moments at which a call's patience ends, from its start; 0 is
// never.
type waits struct {
	hedge   time.Duration // a second replica is asked, if the budget allows
	suspect time.Duration // the node is accused and its rows go elsewhere
	give    time.Duration // the call is given up
}

// waitsFor derives the waits of a call from how long an undelayed one takes at
// most; 0 is unknown.
func waitsFor(p time.Duration, a *awareness, give time.Duration) waits {
	w := waits{give: give}
	if p > 0 {
		w.hedge = max(leastHedge, p)
		w.suspect = a.stretch(max(leastSuspicion, min(suspectTimes*p, p+mostSuspicion)))
	}
	if w.suspect >= give {
		w.suspect = 0
	}
	return w
}
