package remote

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
)

// Pool is what a gateway knows of its routers.
type Pool struct {
	mu      sync.Mutex // guards the fields below
	table   balance.Table
	budget  *balance.Budget
	changed chan struct{} // closed at the next change that may make a router fit
	waiting int           // requests that have no router
	drains  map[string]drain
	probing map[string]bool // routers that a goroutine probes
	rhythms map[string]*rhythm
	// retryAfter is what full routers said last.
	retryAfter time.Duration
}

// drain tells the answers of a router to go on at another: begun ends when the router
// drains and another can go on with them.
type drain struct {
	model balance.Model
	begun context.Context
	begin context.CancelFunc
}

// NewPool is a pool without routers.
func NewPool() *Pool {
	return &Pool{budget: balance.NewBudget(), changed: make(chan struct{}), drains: map[string]drain{}, probing: map[string]bool{}, rhythms: map[string]*rhythm{}}
}

// Update replaces the records of routers.
func (p *Pool) Update(routers []balance.Router) {
	p.change(func() { p.table.Update(routers) })
}

// Suspect notes what gossip says of a router.
func (p *Pool) Suspect(router string, suspected bool) {
	p.change(func() { p.table.Suspect(router, suspected) })
}

// change makes a change, wakes the requests that wait for a router, and tells answers
// of routers that drain to go.
func (p *Pool) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	running := p.table.Running()
	maps.DeleteFunc(p.rhythms, func(id string, _ *rhythm) bool { _, known := running[id]; return !known })
	for id, d := range p.drains {
		if _, known := running[id]; !known || p.table.Leaves(id, d.model) {
			d.begin()
			delete(p.drains, id)
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Elect returns the model of a fingerprint and a digest of texts, as routers serve it. ok
// is false without such a router that takes requests.
func (p *Pool) Elect(fingerprint, texts string) (m balance.Model, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Elect(fingerprint, texts)
}

// Serving are the routers that take requests, for any model.
func (p *Pool) Serving() []balance.Router {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Serving()
}

// Ready reports whether any router takes requests for a model.
func (p *Pool) Ready(m balance.Model) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Left(m, nil)
}

// Obstacle says why no router takes requests for a model; "" if one does. The zero
// Model is any.
func (p *Pool) Obstacle(m balance.Model) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Obstacle(m)
}

// Load is what the requests of this gateway are doing, and what it thinks of routers.
type Load struct {
	Running   map[string]int  // requests that each router has
	Suspected map[string]bool // routers that get none while another is left
	Waiting   int             // requests without a router
}

// Load returns a copy.
func (p *Pool) Load() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Load{p.table.Running(), p.table.Suspected(), p.waiting}
}

// maxRetryAfter bounds what a router tells the clients of every other one.
const maxRetryAfter = time.Minute

// RetryAfter is when a request that found every router full may try again.
func (p *Pool) RetryAfter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.retryAfter, time.Second)
}

// errAvoided means that no router is left that has not refused the request.
var errAvoided = errors.New("every router has refused the request")

// left reports whether any router that fits has not refused a request, though it may
// be in its backoff.
func (p *Pool) left(m balance.Model, avoid map[string]bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Left(m, avoid)
}

// acquire waits for a router and counts the request there. The answer must leave when
// drained ends. The error is errAvoided if routers have refused the request and no
// other takes it now, or the cause with which ctx ended.
func (p *Pool) acquire(ctx context.Context, m balance.Model, prefix balance.Prefix, avoid map[string]bool) (r balance.Router, drained context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	defer func() { p.waiting-- }()
	for {
		now := time.Now()
		if r, ok := p.table.Choose(now, m, prefix, avoid); ok {
			p.table.Begin(r.ID, prefix)
			return r, p.drained(r.ID, m), nil
		}
		if len(avoid) > 0 {
			return balance.Router{}, nil, errAvoided
		}
		next := p.table.NextTry(m)
		if err := p.wait(ctx, next.Sub(now), !next.IsZero()); err != nil {
			return balance.Router{}, nil, err
		}
	}
}

// drained ends when the answers of a router must leave it.
func (p *Pool) drained(router string, m balance.Model) context.Context {
	d, ok := p.drains[router]
	if !ok {
		d = drain{model: m}
		d.begun, d.begin = context.WithCancel(context.Background())
		p.drains[router] = d
	}
	return d.begun
}

// wait lets the lock go until a change, or until the end of a backoff.
func (p *Pool) wait(ctx context.Context, backoff time.Duration, bounded bool) error {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	var over <-chan time.Time
	if bounded {
		timer := time.NewTimer(backoff)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-over:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// release counts the end of a call at a router.
func (p *Pool) release(router string, v verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table.End(router)
	switch v.fate {
	case lost:
		if v.err != errDrained {
			p.table.Failed(router, time.Now())
		}
	case full:
		p.table.Worked(router)
		p.retryAfter = min(v.after, maxRetryAfter)
	}
}

// rhythm is when signs of life of a router came.
func (p *Pool) rhythm(router string) *rhythm {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rhythms[router]
	if r == nil {
		r = &rhythm{}
		p.rhythms[router] = r
	}
	return r
}

// worked notes that a router took a request.
func (p *Pool) worked(router string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table.Worked(router)
}

// count counts a new request for the budget of retries.
func (p *Pool) count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.budget.Request()
}

// retry takes a retry from the budget, if it has one.
func (p *Pool) retry() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.budget.Retry()
}
