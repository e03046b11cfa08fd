package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// settle is the last transition of an attempt: it stores the rows of its reply
// or fails its open tasks over. An error ends the layer.
func (l *layerRun) settle(a *attempt) error {
	l.land(a)
	defer func() { l.free = append(l.free, a) }()
	if a.err == nil {
		a.err = l.storeReply(a)
	}
	if a.err == nil {
		l.answered = append(l.answered, a)
		// Only an attempt that computes one of these tasks too can be overtaken now.
		if slices.ContainsFunc(a.tasks, func(t *task) bool { return t.attempts > 0 }) {
			l.abandonOvertaken()
		}
		return nil
	}
	l.recordReplies() // before their memory is used again, and before the next plan
	if a.stage == abandoned && !anyOpen(a.tasks) {
		l.d.recordOvertaken(a)
		return nil
	}
	l.d.recordFailure(a)
	if kindOf(a.err) == moe.Invalid || kindOf(a.err) == moe.Internal {
		return a.err // another replica would answer the same
	}
	open := openTasks(a.tasks)
	for _, t := range open {
		t.lastErr = a.err
	}
	return l.send(idleTasks(open), false)
}

// storeReply stores the rows of a reply, except those that another attempt
// brought before: they are the same bits.
func (l *layerRun) storeReply(a *attempt) error {
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
				if l.nodes != nil {
					l.nodes[slot] = a.to.Node
				}
			}
			at += size
		}
		if !t.done {
			t.done = true
			l.open--
		}
	}
	return nil
}

// abandonOvertaken cancels the attempts that have no open task left.
func (l *layerRun) abandonOvertaken() {
	for _, a := range l.inFlight {
		if !anyOpen(a.tasks) {
			l.abandon(a)
		}
	}
}

// abandon cancels an attempt, once. It stays in flight until its transport has
// ended it.
func (l *layerRun) abandon(a *attempt) {
	if a.stage < abandoned {
		a.stage = abandoned
		l.d.cfg.Transport.Cancel(&a.pending)
	}
}

// parkFor is how long a task waits for a full node: the node's hint, bounded.
func parkFor(t *task) time.Duration {
	var e *moe.Error
	if errors.As(t.lastErr, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, maxBusyWait)
	}
	return busyWait
}
