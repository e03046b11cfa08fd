package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// finish takes the end of a call: its rows, or its failure.
func (l *layerRun) finish(a *attempt) error {
	l.end(a)
	defer func() { l.spare = append(l.spare, a) }()
	if a.err == nil {
		a.err = l.take(a)
	}
	open := unfinished(a.tasks)
	if a.err != nil && a.stage == given && len(open) == 0 {
		l.d.lost(a) // it was overtaken and given up
		return nil
	}
	l.d.settle(a)
	if a.err == nil {
		l.giveUpOvertaken()
		return nil
	}
	if kindOf(a.err) == moe.Invalid || kindOf(a.err) == moe.Internal {
		return a.err
	}
	for _, t := range open {
		t.last = a.err
	}
	return l.send(idle(open), false)
}

// take keeps the rows of a reply, but for those that another call brought
// first: they are the same bits.
func (l *layerRun) take(a *attempt) error {
	reply := a.reply
	defer reply.Free()
	a.busy = reply.Queue + reply.Compute
	l.d.Adopt(reply.Newer)
	size := l.rowBytes()
	if len(reply.Y) != a.rows*size {
		return &moe.Error{Op: "expert call", Node: a.to.Node, Kind: moe.Corrupt,
			Err: fmt.Errorf("reply of %d bytes, expected %d rows of %d", len(reply.Y), a.rows, size)}
	}
	at := 0
	for _, t := range a.tasks {
		for _, slot := range t.slots {
			if !t.done {
				tensor.Decode(l.replies.Row(int(slot)), reply.Y[at:at+size], l.d.cfg.Wire)
			}
			at += size
		}
		if !t.done {
			t.done = true
			l.missing--
		}
	}
	return nil
}

// giveUpOvertaken cancels the calls whose rows have all come from elsewhere.
func (l *layerRun) giveUpOvertaken() {
	for _, a := range l.flying {
		if a.stage < given && len(unfinished(a.tasks)) == 0 {
			a.stage = given
			l.d.cfg.Transport.Cancel(&a.pending)
		}
	}
}

// pause is how long to wait for room: what the node said, or a moment.
func (l *layerRun) pause(t *task) time.Duration {
	var e *moe.Error
	if errors.As(t.last, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, mostPause)
	}
	return busyWait
}

// due is the next moment at which some patience ends.
func (l *layerRun) due() time.Time {
	next := time.Now().Add(time.Hour)
	if len(l.parked) > 0 {
		next = l.until
	}
	for _, a := range l.flying {
		if wait := a.next(); wait > 0 {
			if at := a.started.Add(wait); at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// next is the wait that ends next; 0 for none.
func (a *attempt) next() time.Duration {
	switch {
	case a.stage < hedged && a.waits.hedge > 0:
		return a.waits.hedge
	case a.stage < suspected && a.waits.suspect > 0:
		return a.waits.suspect
	case a.stage < given:
		return a.waits.give
	}
	return 0
}

// overdue acts on every wait that has ended.
func (l *layerRun) overdue(due time.Time) error {
	now := time.Now()
	l.d.woke(now, now.Sub(due))
	if len(l.parked) > 0 && !now.Before(l.until) {
		todo := l.parked
		l.parked = nil
		if err := l.send(todo, false); err != nil {
			return err
		}
	}
	for _, a := range slices.Clone(l.flying) {
		for wait := a.next(); wait > 0 && now.Sub(a.started) >= wait; wait = a.next() {
			if err := l.late(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// late takes an attempt one stage further.
func (l *layerRun) late(a *attempt) error {
	switch {
	case a.stage < hedged && a.waits.hedge > 0:
		a.stage, a.late = hedged, true
		if todo := l.elsewhere(a, false); l.d.mayHedge(todo) {
			return l.send(todo, true)
		}
	case a.stage < suspected && a.waits.suspect > 0:
		a.stage = suspected
		l.d.accuse(a.to.Node, a.waits.suspect)
		if todo := l.elsewhere(a, true); len(todo) > 0 {
			l.d.failover(a.to.Node, moe.Unreachable, rowsOf(todo))
			return l.send(todo, false)
		}
	default:
		a.stage = given
		l.d.cfg.Transport.Cancel(&a.pending)
	}
	return nil
}

// elsewhere lists the tasks of a late attempt that nobody else is computing and
// that another replica could: an unsuspected one, unless any will do.
func (l *layerRun) elsewhere(a *attempt, any bool) []*task {
	var out []*task
	for _, t := range unfinished(a.tasks) {
		if t.live == 1 && l.d.another(l.replicas(t.expert), t.tried, any) {
			out = append(out, t)
		}
	}
	return out
}

func unfinished(all []*task) []*task {
	var out []*task
	for _, t := range all {
		if !t.done {
			out = append(out, t)
		}
	}
	return out
}

// idle are the tasks that nobody is computing.
func idle(all []*task) []*task {
	var out []*task
	for _, t := range all {
		if t.live == 0 {
			out = append(out, t)
		}
	}
	return out
}

func rowsOf(all []*task) int {
	n := 0
	for _, t := range all {
		n += len(t.slots)
	}
	return n
}
