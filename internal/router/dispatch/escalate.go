package dispatch

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// nextDeadline is the earliest moment at which a parked task is due or a wait of
// an attempt ends.
func (l *layerRun) nextDeadline() time.Time {
	next := l.d.cfg.Now().Add(time.Hour) // no deadline: the transport's own limits end the calls
	if len(l.parked.tasks) > 0 {
		next = l.parked.until
	}
	for _, a := range l.inFlight {
		if wait := a.nextWait(); wait > 0 {
			if at := a.started.Add(wait); at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// nextWait is the wait, from the attempt's start, that ends next; 0 for none.
func (a *attempt) nextWait() time.Duration {
	switch {
	case a.stage < hedged && a.waits.hedgeAfter > 0:
		return a.waits.hedgeAfter
	case a.stage < suspected && a.waits.suspectAfter > 0:
		return a.waits.suspectAfter
	case a.stage < abandoned:
		return a.waits.abandonAfter
	}
	return 0
}

// handleTimer acts on every deadline that has passed. deadline is the one that
// the timer was set to: how late it fired is how late this process runs.
func (l *layerRun) handleTimer(deadline time.Time) error {
	now := l.d.cfg.Now()
	l.d.observeTimerLag(now, now.Sub(deadline))
	if len(l.parked.tasks) > 0 && !now.Before(l.parked.until) {
		todo := l.parked.tasks
		l.parked.tasks = nil
		if err := l.send(todo, false); err != nil {
			return err
		}
	}
	for _, a := range slices.Clone(l.inFlight) {
		for wait := a.nextWait(); wait > 0 && now.Sub(a.started) >= wait; wait = a.nextWait() {
			if err := l.escalate(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// escalate moves an attempt to its next stage; see the table in doc.go.
func (l *layerRun) escalate(a *attempt) error {
	switch {
	case a.stage < hedged && a.waits.hedgeAfter > 0:
		a.stage, a.late = hedged, true
		if todo := l.reroutable(a, false); l.d.spendHedge(todo) {
			if l.d.cfg.OnHedge != nil {
				l.d.cfg.OnHedge(a.to.Node, rowsOf(todo))
			}
			return l.send(todo, true)
		}
	case a.stage < suspected && a.waits.suspectAfter > 0:
		a.stage = suspected
		l.d.suspect(a.node, a.waits.suspectAfter)
		if todo := l.reroutable(a, true); len(todo) > 0 {
			l.d.recordFailover(a, moe.Unreachable, rowsOf(todo))
			return l.send(todo, false)
		}
	default:
		l.abandon(a)
	}
	return nil
}

// reroutable lists the open tasks of a late attempt that no other attempt
// computes and that have an untried replica. Unless suspectedToo, only an
// unsuspected replica counts: a hedge to a node that is failing brings nothing.
func (l *layerRun) reroutable(a *attempt, suspectedToo bool) []*task {
	var out []*task
	for _, t := range openTasks(a.tasks) {
		if t.attempts == 1 && l.d.hasUntriedReplica(l.routes.nodes, l.replicas(t.expert), t.tried, suspectedToo) {
			out = append(out, t)
		}
	}
	return out
}
