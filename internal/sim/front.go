package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// front is what requests meet first. A gateway chooses routers by the product's table,
// sends what one refuses to another, and goes on elsewhere with what a dead one has begun.
// Without a gateway clients take the routers that live in turn, and lose what one had.
type front struct {
	world  *world
	table  balance.Table
	budget *balance.Budget
	turn   int
}

const (
	// probeEvery is how often a request that no router takes tries again.
	probeEvery = 100 * time.Millisecond
	// recordEvery is how old the load in a router's record may be.
	recordEvery = time.Second
)

func (f *front) model() balance.Model {
	return balance.Model{Fingerprint: fingerprint, Context: f.world.scenario.Routers.MaxContext}
}

// arrive takes a new request.
func (f *front) arrive(q *request) {
	q.arrived = f.world.loop.Now()
	if q.prompt >= f.world.scenario.Routers.MaxContext {
		f.world.finish(q, tooLong)
		return
	}
	q.prefix = balance.NewPrefix(0, q.tokens())
	f.budget.Request()
	f.place(q)
}

// place sends a request to a router.
func (f *front) place(q *request) {
	w := f.world
	if !w.scenario.Routers.Gateway {
		f.placeInTurn(q)
		return
	}
	to, ok := f.table.Choose(w.loop.Date(), f.model(), q.prefix, q.avoid)
	switch {
	case !ok && len(q.avoid) > 0 && !f.table.Left(f.model(), q.avoid):
		w.finish(q, rejected)
	case !ok:
		w.loop.AfterLocal(probeEvery, event.Func(func() { f.place(q) }))
	default:
		f.table.Begin(to.ID, q.prefix)
		q.at = to.ID
		w.loop.AfterLocal(w.latency.Draw(w.random), event.Func(func() { f.deliver(q, to) }))
	}
}

// deliver brings a request to the router that was chosen.
func (f *front) deliver(q *request, to balance.Router) {
	w := f.world
	r := w.routerNamed(to.ID)
	if r == nil || !r.up || string(r.id) != to.Addr {
		f.table.Failed(to.ID, w.loop.Date())
		f.release(q)
		f.place(q)
		return
	}
	if r.accept(q) == nil {
		f.table.Worked(to.ID)
		return
	}
	f.release(q)
	if q.avoid == nil {
		q.avoid = map[string]bool{}
	}
	q.avoid[to.ID] = true
	if f.table.Left(f.model(), q.avoid) && f.budget.Retry() {
		f.place(q)
		return
	}
	w.finish(q, rejected)
}

// release forgets where a request is.
func (f *front) release(q *request) {
	if q.at != "" {
		f.table.End(q.at)
		q.at = ""
	}
}

// left is called when a request has ended.
func (f *front) left(q *request) { f.release(q) }

// placeInTurn sends a request to the next router that lives.
func (f *front) placeInTurn(q *request) {
	w := f.world
	for range w.routers {
		r := w.routers[f.turn%len(w.routers)]
		f.turn++
		if !r.up {
			continue
		}
		if r.accept(q) != nil {
			w.finish(q, rejected)
		}
		return
	}
	w.loop.AfterLocal(probeEvery, event.Func(func() { f.place(q) }))
}

// routerDied takes over the requests of a router that has died.
func (f *front) routerDied(r *router) {
	w := f.world
	for _, id := range slices.Sorted(maps.Keys(r.requests)) {
		q := r.requests[id]
		q.router, q.seq, q.avoid = nil, nil, nil
		if !w.scenario.Routers.Gateway {
			w.finish(q, lost)
			continue
		}
		f.table.Failed(r.name, w.loop.Date())
		f.release(q)
		q.resumed++
		w.stats.resumed++
		f.place(q)
	}
	clear(r.requests)
}

// probe asks a router whose calls failed, as the gateway does, and updates the records.
func (f *front) probe() {
	w := f.world
	f.update()
	for i := range w.routers {
		name := scenario.RouterName(i)
		if r, at, failing := f.table.Failing(name); failing && !at.After(w.loop.Date()) {
			if now := w.routers[i]; now.up && string(now.id) == r.Addr {
				f.table.Answered(name)
			} else {
				f.table.Failed(name, w.loop.Date())
			}
		}
	}
	w.loop.AfterLocal(recordEvery, event.Func(f.probe))
}

// update gives the table the records that the registry has.
func (f *front) update() {
	var records []balance.Router
	for _, r := range f.world.routers {
		if f.world.control.hasRouter(r) {
			records = append(records, balance.Router{
				ID: r.name, Addr: string(r.id), Fingerprint: fingerprint, Context: f.world.scenario.Routers.MaxContext, Load: len(r.requests),
			})
		}
	}
	f.table.Update(records)
}
