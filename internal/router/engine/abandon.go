package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// RetryStalled bounds the pause of a stalled step. The step is tried again even
// if no change was reported: a suspicion also ends by time, which reports nothing.
const RetryStalled = 100 * time.Millisecond

// abandon handles a step that failed before commit. Nothing of it is visible, so
// its sequences may run again. What happens to them depends on the cause:
//
//	panic              each sequence runs again in a step of its own (isolate)
//	no live replica    all wait for a change and run again; FailFast requests fail
//	anything else      all fail
func (e *Engine) abandon(ctx context.Context, spans []scheduler.Span, changed <-chan struct{}, err error) {
	if ctx.Err() != nil {
		return // stop ends the requests with ErrStopped
	}
	var panicked *moe.Panic
	var failed *moe.Error
	switch {
	case errors.As(err, &panicked):
		e.cfg.Logger.Error("step panicked", "request_ids", e.requestIDs(spans), "err", err, "stack", string(panicked.Stack))
		e.isolate(ctx, spans, err)
	case errors.As(err, &failed) && failed.Kind == moe.NoReplica:
		e.stall(ctx, spans, changed, err)
	default:
		e.cfg.Logger.Error("step failed", "request_ids", e.requestIDs(spans), "err", err)
		e.fail(spans, err)
	}
}

// isolate runs the sequences of a step that panicked again, one step each: only
// the request that causes the panic fails, and the others get the same bits as
// in any other batch. A step of one sequence that panics fails its request, so
// a panic costs at most one more step per sequence. Schedule does not run in
// between, so no sequence is preempted and the other spans stay valid.
func (e *Engine) isolate(ctx context.Context, spans []scheduler.Span, err error) {
	if len(spans) == 1 {
		e.fail(spans, err)
		return
	}
	for _, span := range spans {
		if e.active[span.Seq.ID] != nil { // a stall in this loop may have collected cancellations
			e.step(ctx, []scheduler.Span{span})
		}
	}
}

// requestIDs are the requests of a step, each once, for a log line.
func (e *Engine) requestIDs(spans []scheduler.Span) []string {
	var ids []string
	for _, span := range spans {
		if f := e.active[span.Seq.ID]; f != nil && !slices.Contains(ids, f.req.ID) {
			ids = append(ids, f.req.ID)
		}
	}
	return ids
}

// fail ends the requests of a step with an error.
func (e *Engine) fail(spans []scheduler.Span, err error) {
	for _, span := range spans {
		e.finish(e.active[span.Seq.ID], Event{Err: err})
	}
}

// stall pauses the loop while an expert has no live replica. The FailFast requests
// end before the pause: a pause collects, and may remove requests of this step.
func (e *Engine) stall(ctx context.Context, spans []scheduler.Span, changed <-chan struct{}, err error) {
	if e.stalled.IsZero() {
		e.stalled = time.Now()
		e.cfg.Logger.Warn("step stalled: expert has no live replica", "err", err)
	}
	e.mu.Lock()
	e.stats.Abandoned++
	e.mu.Unlock()
	for _, span := range spans {
		if f := e.active[span.Seq.ID]; f.req.FailFast {
			e.finish(f, Event{Err: err})
		}
	}
	e.pause(ctx, changed)
}

// pause waits for changed, RetryStalled or the end of ctx. Arriving and canceled
// requests are collected meanwhile; they do not end the pause, because the
// missing expert is missing for them too.
func (e *Engine) pause(ctx context.Context, changed <-chan struct{}) {
	timer := time.NewTimer(RetryStalled)
	defer timer.Stop()
	for {
		select {
		case <-changed:
			return
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-e.wake:
			e.collect()
		}
	}
}

// resume logs the end of a stall, if there was one.
func (e *Engine) resume() {
	if !e.stalled.IsZero() {
		e.cfg.Logger.Warn("expert available again, resuming", "stalled", time.Since(e.stalled))
		e.stalled = time.Time{}
	}
}
