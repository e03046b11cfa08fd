package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// finish takes the end of a call: its rows, or its failure.
func (l *layerRun) finish(ctx context.Context, res result) error {
	a := res.attempt
	l.end(a)
	if res.err == nil {
		res.err = l.take(a, res.reply)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	open := unfinished(a.tasks)
	if res.err != nil && a.stage == given && len(open) == 0 {
		l.d.lost(a) // it was overtaken and given up
		return nil
	}
	l.d.settle(a, res.reply, res.err)
	if res.err == nil {
		l.giveUpOvertaken()
		return nil
	}
	if kindOf(res.err) == moe.Invalid || kindOf(res.err) == moe.Internal {
		return res.err
	}
	for _, t := range open {
		t.last = res.err
	}
	return l.send(ctx, idle(open), false)
}

// take keeps the rows of a reply, but for those that another call brought
// first: they are the same bits.
func (l *layerRun) take(a *attempt, reply *moe.Reply) error {
	defer reply.Free()
	l.d.Adopt(reply.Newer)
	size := l.h.Cols * l.d.cfg.Wire.Size()
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
	for _, a := range l.attempts {
		if a.stage < given && len(unfinished(a.tasks)) == 0 {
			a.stage = given
			a.cancel()
		}
	}
}

// due is the next moment at which some patience ends.
func (l *layerRun) due() time.Time {
	next := time.Now().Add(time.Hour)
	if len(l.parked) > 0 {
		next = l.until
	}
	for _, a := range l.attempts {
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
func (l *layerRun) overdue(ctx context.Context, due time.Time) error {
	now := time.Now()
	l.d.woke(now, now.Sub(due))
	if len(l.parked) > 0 && !now.Before(l.until) {
		todo := l.parked
		l.parked = nil
		if err := l.send(ctx, todo, false); err != nil {
			return err
		}
	}
	for _, a := range l.attempts[:len(l.attempts):len(l.attempts)] {
		for wait := a.next(); wait > 0 && now.Sub(a.started) >= wait; wait = a.next() {
			if err := l.late(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// late takes an attempt one stage further.
func (l *layerRun) late(ctx context.Context, a *attempt) error {
	switch {
	case a.stage < hedged && a.waits.hedge > 0:
		a.stage = hedged
		if todo := l.elsewhere(a, false); l.d.mayHedge(todo) {
			return l.send(ctx, todo, true)
		}
	case a.stage < suspected && a.waits.suspect > 0:
		a.stage = suspected
		l.d.accuse(a.to.Node, a.waits.suspect)
		if todo := l.elsewhere(a, true); len(todo) > 0 {
			l.d.failover(a.to.Node, moe.Unreachable, rowsOf(todo))
			return l.send(ctx, todo, false)
		}
	default:
		a.stage = given
		a.cancel()
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
