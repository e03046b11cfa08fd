package engine

import (
	"context"
	"errors"
	"time"

	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// retryAfter is how long a step without a replica waits before it is tried
// again although nothing was heard of a change: a suspicion may have decayed.
const retryAfter = 100 * time.Millisecond

// wait is the pause of a step that has no replica for some expert. Requests come
// and go meanwhile; they are no reason to try again.
func (e *Engine) wait(ctx context.Context, changed <-chan struct{}) {
	timer := time.NewTimer(retryAfter)
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

// abandon handles a step that failed before commit.
func (e *Engine) abandon(ctx context.Context, spans []scheduler.Span, changed <-chan struct{}, err error) {
	if ctx.Err() != nil {
		return
	}
	var missing *moe.Error
	if !errors.As(err, &missing) || missing.Kind != moe.NoReplica {
		e.cfg.Logger.Error("step failed", "rows", len(spans), "err", err)
		for _, span := range spans {
			e.finish(e.flights[span.Seq.ID], Event{Err: err})
		}
		return
	}
	if e.missing.IsZero() {
		e.missing = time.Now()
		e.cfg.Logger.Warn("steps wait for an expert", "err", err)
	}
	e.mu.Lock()
	e.stats.Abandoned++
	e.mu.Unlock()
	for _, span := range spans {
		if f := e.flights[span.Seq.ID]; f.req.FailFast {
			e.finish(f, Event{Err: err})
		}
	}
	e.wait(ctx, changed)
}

// found notes that a step was not abandoned.
func (e *Engine) found() {
	if !e.missing.IsZero() {
		e.cfg.Logger.Warn("steps go on", "waited", time.Since(e.missing))
		e.missing = time.Time{}
	}
}
