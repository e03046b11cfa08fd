package remote

import (
	"context"
	"errors"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// answer is one answer, from Submit to its last event. Its goroutine owns it.
type answer struct {
	e      *Engine
	id     string // of the request
	in     *hachiv1.GenerateTokensRequest
	prefix balance.Prefix
	out    *engine.Stream
	taken  chan error // capacity 1: Submit waits for it; nil once it was sent
	progress

	avoid   map[string]bool // routers that cannot serve the request, or are full
	refusal error           // of the last of them
	silent  int             // calls in a row that ended because nothing came
	pause
}

// maxPatience bounds how often the time of Silence doubles while nothing comes: a
// machine that is too slow for it answers in the end.
const maxPatience = 4

// refusedPause is between two tries of a begun answer that every router refuses.
const refusedPause = 50 * time.Millisecond

// run asks one router after another until the answer has its last event.
func (a *answer) run(ctx context.Context) {
	for {
		router, drained, err := a.e.cfg.Pool.acquire(ctx, a.e.cfg.Model, a.prefix, a.avoid)
		if errors.Is(err, errAvoided) {
			if err = a.refused(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			a.end(err)
			return
		}
		a.lap(&a.stall.Waiting)
		before := len(a.answer) + a.progress.prompt
		v := a.ask(ctx, router, drained)
		if cause := context.Cause(ctx); cause != nil && v.fate != done {
			v = verdict{fate: final, err: cause}
		}
		a.e.cfg.Pool.release(router.ID, v)
		if a.follow(router, v, len(a.answer)+a.progress.prompt > before) {
			return
		}
	}
}

// follow does what a verdict says, and reports whether the answer has ended.
func (a *answer) follow(router balance.Router, v verdict, progressed bool) (ended bool) {
	if progressed {
		clear(a.avoid)
		a.silent = 0
	}
	switch v.fate {
	case done:
		a.e.faults.Worked(router.ID)
		return true
	case final:
		a.end(v.err)
		return true
	case lost:
		if errors.Is(v.err, errSilent) {
			a.silent = min(a.silent+1, maxPatience)
		}
		a.begin()
		if v.err != errDrained {
			a.e.faults.Failed(router.ID, "cause", v.cause, "err", v.err)
			a.e.probe(router.ID)
		}
		if a.e.cfg.Moved != nil {
			a.e.cfg.Moved(a.id, router.ID, v.cause)
		}
	case full, unable:
		if errors.Is(v.err, errLie) {
			a.e.faults.Failed(router.ID, "err", v.err)
		}
		a.lap(&a.stall.Waiting)
		a.avoid[router.ID], a.refusal = true, v.err
		if v.fate == full && a.taken != nil && !a.e.cfg.Pool.retry() {
			a.end(v.err)
			return true
		}
	}
	return false
}

// refused decides about an answer that every router has refused that could be asked.
// One that no router has taken ends. Another waits: for room, or for a router that
// comes back; it ends when no router can go on with it.
func (a *answer) refused(ctx context.Context) error {
	switch {
	case a.taken != nil:
		return a.refusal
	case isFull(a.refusal):
		clear(a.avoid)
	case !a.e.cfg.Pool.left(a.e.cfg.Model, a.avoid):
		return a.refusal
	}
	timer := time.NewTimer(refusedPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask lets a router draw the answer from where it is, until drained ends.
func (a *answer) ask(ctx context.Context, router balance.Router, drained context.Context) verdict {
	ctx, cancel := context.WithCancelCause(ctx)
	l := a.listen(ctx, router, func() { cancel(errSilent) })
	defer l.close()
	defer cancel(nil)
	defer context.AfterFunc(drained, func() { cancel(errDrained) })()
	a.in.Answer, a.in.PromptReported = ids(a.answer), uint32(a.progress.prompt)
	err := a.read(ctx, router, l.heard)
	if err == nil {
		return verdict{fate: done}
	}
	if cause := context.Cause(ctx); cause == errSilent || cause == errDrained {
		err = cause
	}
	return judge(err)
}

// read reads a router's call to its last event. heard is called whenever something
// comes.
func (a *answer) read(ctx context.Context, router balance.Router, heard func()) error {
	call, err := a.e.cfg.Caller.GenerateTokens(ctx, router, a.in)
	if err != nil {
		return err
	}
	header, err := call.Header()
	if err != nil {
		return err
	}
	if header != nil {
		heard()
		a.e.cfg.Pool.worked(router.ID)
		a.take(nil)
		a.lap(&a.stall.Asking)
	}
	for {
		m, err := call.Recv()
		if err != nil {
			return err
		}
		heard()
		if err := a.believe(m); err != nil {
			return err
		}
		a.take(nil)
		events := a.progress.read(m)
		if len(events) > 0 {
			a.note(len(m.GetTokens()))
		}
		for _, e := range events {
			a.out.Push(e)
		}
		if n := len(events); n > 0 && events[n-1].Finish != engine.NotFinished {
			return nil
		}
	}
}

// take tells Submit that a router has the request, or why none will.
func (a *answer) take(err error) {
	if a.taken != nil {
		a.taken <- err
		a.taken = nil
	}
}

// note notes the time of events, tokens of the answer among them.
func (a *answer) note(tokens int) {
	if a.e.cfg.Drawn != nil {
		a.e.cfg.Drawn(tokens)
	}
	if s, moved := a.over(); moved && a.e.cfg.Stalled != nil {
		a.e.cfg.Stalled(s)
	}
}

// end ends the answer with an error: Submit's, or the last event.
func (a *answer) end(err error) {
	if a.taken != nil {
		a.take(err)
		return
	}
	a.out.Push(engine.Event{Token: -1, Err: err})
}
