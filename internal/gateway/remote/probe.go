package remote

import (
	"context"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
)

// probe asks a router that has failed after each backoff whether it answers, on a
// goroutine that ends when it does, when it is gone, or with Stop.
func (e *Engine) probe(router string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped.Err() != nil || !e.cfg.Pool.startProbe(router) {
		return
	}
	e.work.Go(func() {
		for {
			r, at, ok := e.cfg.Pool.failing(router)
			if !ok || !e.sleepUntil(at) {
				return
			}
			ctx, cancel := context.WithTimeout(e.stopped, e.cfg.Silence)
			err := e.cfg.Caller.Probe(ctx, r)
			cancel()
			e.cfg.Pool.probed(router, err)
		}
	})
}

// sleepUntil reports false if Stop came first.
func (e *Engine) sleepUntil(at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return e.stopped.Err() == nil
	case <-e.stopped.Done():
		return false
	}
}

// startProbe reports whether the caller shall probe a router, because no goroutine does.
func (p *Pool) startProbe(router string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	started := !p.probing[router]
	p.probing[router] = true
	return started
}

// failing returns a router that has failed, and when a probe may ask it. Without ok
// the probe is over.
func (p *Pool) failing(router string) (r balance.Router, at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, at, ok = p.table.Failing(router); !ok {
		delete(p.probing, router)
	}
	return r, at, ok
}

// probed notes how a probe ended.
func (p *Pool) probed(router string, err error) {
	p.change(func() {
		if err != nil {
			p.table.Failed(router, time.Now())
			return
		}
		p.table.Answered(router)
	})
}
