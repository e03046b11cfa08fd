package remote

import (
	"context"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
)

// listener watches a call for silence, beside the goroutine that reads the call.
type listener struct {
	rhythm *rhythm
	ctx    context.Context // of the call
	probe  func(context.Context) error
	silent func() // called when the router is silent

	ringing sync.Mutex // held while the alarm rings

	mu      sync.Mutex // guards the fields below
	hearing hearing
	alarm   *time.Timer
	closed  bool
}

// listen watches a call that begins now. Close must be called.
func (a *answer) listen(ctx context.Context, router balance.Router, silent func()) *listener {
	now, silence := time.Now(), a.e.cfg.Silence
	l := &listener{
		rhythm: a.e.cfg.Pool.rhythm(router.ID), ctx: ctx, silent: silent,
		probe:   func(ctx context.Context) error { return a.e.cfg.Caller.Probe(ctx, router) },
		hearing: hearing{silence: silence, least: silence << a.silent, began: now, last: now},
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hearing.due = now.Add(silence / 2)
	l.alarm = time.AfterFunc(silence/2, l.ring)
	return l
}

// heard notes that something came of the call: the router has taken the request.
func (l *listener) heard() {
	now, gap := time.Now(), time.Duration(0)
	l.mu.Lock()
	if l.hearing.taken {
		gap = now.Sub(l.hearing.last)
	}
	l.hearing.last, l.hearing.taken = now, true
	l.mu.Unlock()
	l.rhythm.sign(now, gap)
}

// ring is the alarm.
func (l *listener) ring() {
	l.ringing.Lock()
	defer l.ringing.Unlock()
	found, next := l.look()
	if found == asks {
		ctx, cancel := context.WithTimeout(l.ctx, next)
		if l.probe(ctx) == nil {
			l.rhythm.sign(time.Now(), 0)
		}
		cancel()
		found, next = l.lookAgain()
	}
	if found == isSilent {
		l.silent()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.hearing.due = time.Now().Add(next)
		l.alarm.Reset(next)
	}
}

func (l *listener) look() (outcome, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hearing.look(time.Now(), l.rhythm)
}

// lookAgain looks after a probe.
func (l *listener) lookAgain() (outcome, time.Duration) {
	l.mu.Lock()
	l.hearing.due = time.Now()
	l.mu.Unlock()
	return l.look()
}

// close ends the watch, and returns when no alarm rings. The call's context must have
// ended.
func (l *listener) close() {
	l.mu.Lock()
	l.closed = true
	l.alarm.Stop()
	l.mu.Unlock()
	l.ringing.Lock()
	defer l.ringing.Unlock()
}
