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
	in     *hachiv1.GenerateTokensRequest
	prefix balance.Prefix
	out    *engine.Stream
	taken  chan error // capacity 1: Submit waits for it; nil once it was sent
	progress

	avoid   map[string]bool // routers that cannot serve the request, or are full
	refusal error           // of the last of them
	silent  int             // calls in a row that ended because nothing came
	moved   bool            // since the last token
	last    time.Time       // of the last token, or the beginning
}

// maxPatience bounds how often the time of Silence doubles while nothing comes: a
// machine that is too slow for it answers in the end.
const maxPatience = 4

// refusedPause is between two tries of a begun answer that every router refuses.
const refusedPause = 50 * time.Millisecond

// run asks one router after another until the answer has its last event.
func (a *answer) run(ctx context.Context) {
	for {
		router, err := a.e.cfg.Pool.acquire(ctx, a.e.cfg.Model, a.prefix, a.avoid)
		if errors.Is(err, errAvoided) {
			if err = a.refused(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			a.end(err)
			return
		}
		before := len(a.answer) + a.progress.prompt
		v := a.ask(ctx, router)
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
		a.moved = true
		a.e.faults.Failed(router.ID, "cause", v.cause, "err", v.err)
		if a.e.cfg.Moved != nil {
			a.e.cfg.Moved(v.cause)
		}
	case full, unable:
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

// ask lets a router draw the answer from where it is.
func (a *answer) ask(ctx context.Context, router balance.Router) verdict {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := a.e.cfg.Silence << a.silent
	alarm := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer alarm.Stop()
	a.in.Answer, a.in.PromptReported = ids(a.answer), uint32(a.progress.prompt)
	err := a.read(ctx, router, func() { alarm.Reset(patience) })
	if err == nil {
		return verdict{fate: done}
	}
	if context.Cause(ctx) == errSilent {
		err = errSilent
	}
	return judge(err)
}

// read reads a router's call to its last event. alive is called whenever something
// comes.
func (a *answer) read(ctx context.Context, router balance.Router, alive func()) error {
	call, err := a.e.cfg.Caller.GenerateTokens(ctx, router, a.in)
	if err != nil {
		return err
	}
	header, err := call.Header()
	if err != nil {
		return err
	}
	if header != nil {
		alive()
		a.e.cfg.Pool.worked(router.ID)
		a.take(nil)
	}
	for {
		m, err := call.Recv()
		if err != nil {
			return err
		}
		alive()
		a.take(nil)
		events := a.progress.read(m)
		if len(events) > 0 {
			a.note(time.Now(), len(m.GetTokens()))
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
func (a *answer) note(now time.Time, tokens int) {
	if a.e.cfg.Drawn != nil {
		a.e.cfg.Drawn(tokens)
	}
	if a.moved && a.e.cfg.Stalled != nil {
		a.e.cfg.Stalled(now.Sub(a.last))
	}
	a.moved, a.last = false, now
}

// end ends the answer with an error: Submit's, or the last event.
func (a *answer) end(err error) {
	if a.taken != nil {
		a.take(err)
		return
	}
	a.out.Push(engine.Event{Token: -1, Err: err})
}
