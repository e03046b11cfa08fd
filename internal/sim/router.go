package sim

import (
	"math/rand/v2"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/kvcache"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// router is one run of a router. Scheduler, KV cache, admission, choice of micro-batches
// and dispatch are the product's; attention takes simulated time.
type router struct {
	process
	number int
	id     moe.RouterID
	run    int

	scheduler  *scheduler.Scheduler
	pool       *kvcache.Pool
	admission  scheduler.Admission
	batcher    pipeline.MicroBatcher
	dispatcher *dispatch.Dispatcher
	transport  transport
	attention  machine.Attention
	gate       *gate
	random     *rand.Rand

	inbox    []*call // answers in the order of call.at, those before read handled
	read     int
	clock    time.Duration // of the dispatcher
	ahead    ahead
	wakeUp   wakeUp
	requests map[uint64]*request // by the id of their sequence
	step     step
	stalled  bool // an expert has no live replica
	retry    uint64
	steps    uint64
	record   *hachiv1.RouterRecord
	load     *hachiv1.RouterLoad
	nextLoad time.Duration
	reports  time.Duration // when it reports next
}

// The rows of the simulation carry no values: one column in the wire format.
const rowBytes = 2

// fingerprint names the model of the simulation.
const fingerprint = "sim"

// startRouter starts a process for a router.
func (w *world) startRouter(number, run int) *router {
	spec := w.scenario.Routers
	name := scenario.RouterName(number)
	r := &router{
		process: w.process(name, spec.Process), number: number, run: run, id: moe.RouterID(runName(name, run)),
		pool: kvcache.NewPool(kvcache.Options{Blocks: spec.Blocks, Reuse: spec.PrefixCache}), admission: scheduler.Admission{
			Requests: spec.Limits.MaxSequences + spec.Limits.MaxWaiting, Tokens: spec.Limits.MaxWaitingTokens,
		},
		batcher:   pipeline.MicroBatcher{Max: maxMicroBatches, Fixed: spec.MicroBatches},
		attention: spec.Machine.Attention(&w.scenario.Shape, spec.Threads), gate: w.gate,
		random:   rand.New(rand.NewPCG(w.scenario.Seed, uint64(number)<<32|uint64(run))),
		requests: map[uint64]*request{},
	}
	r.step.router, r.transport.from, r.wakeUp.router, r.ahead.router = r, r, r, r
	r.scheduler = scheduler.New(spec.Limits, r.pool)
	r.dispatcher = dispatch.New(dispatch.Config{
		Transport: &r.transport, Fingerprint: fingerprint, Wire: tensor.BF16, Hidden: 1, Topology: w.topology, Now: r.date,
		DisableHedging: spec.DisableHedging,
	})
	r.record = &hachiv1.RouterRecord{RouterId: string(r.id), GrpcAddr: string(r.id), Fingerprint: fingerprint, Context: uint32(spec.MaxContext)}
	r.load = &hachiv1.RouterLoad{RouterId: string(r.id), Fingerprint: fingerprint}
	w.routers[number] = r
	return r
}

// accept takes a request, or says that the queue is full.
func (r *router) accept(q *request) error {
	known := q.prompt + q.answered
	if err := r.admission.Accept(known); err != nil {
		return err
	}
	q.router, q.known, q.started = r, known, false
	q.seq = &scheduler.Sequence{ID: r.world.sequence(), Tokens: q.tokens(), Begun: q.answered > 0}
	r.requests[q.seq.ID] = q
	r.scheduler.Add(q.seq)
	r.kick()
	return nil
}

// kick begins a step if none runs and there is something to do.
func (r *router) kick() {
	if !r.up || r.stalled || r.step.doing != nothing {
		return
	}
	spans := r.scheduler.Schedule()
	if len(spans) == 0 {
		return
	}
	for _, span := range spans {
		if q := r.requests[span.Seq.ID]; !q.started {
			q.started = true
			r.admission.Start(q.known)
		}
	}
	r.step.begin(spans)
}

// commit applies a step, and begins the next.
func (r *router) commit(s *step) {
	now := r.world.loop.Now()
	r.scheduler.Observe(s.spans, now-s.began-s.drawing)
	for _, span := range s.spans {
		seq := span.Seq
		if end := seq.Computed + span.N; end < len(seq.Tokens) {
			r.scheduler.Commit(seq, end)
			continue
		}
		q := r.requests[seq.ID]
		r.scheduler.Commit(seq, len(seq.Tokens), q.token(len(seq.Tokens)))
		if q.emit(now) {
			r.forget(q)
			r.world.finish(q, completed)
		}
	}
	r.steps++
	r.world.stats.step(s, now)
	r.kick()
}

// forget frees what a request has at the router.
func (r *router) forget(q *request) {
	if !q.started {
		r.admission.Start(q.known)
	}
	r.admission.Finish()
	r.scheduler.Remove(q.seq)
	delete(r.requests, q.seq.ID)
	q.router, q.seq = nil, nil
}

// abandon handles a step that failed: nothing of it is visible. Without a live replica
// of an expert the router tries again after a change or a while; anything else is a
// fault of the simulation.
func (r *router) abandon(err error) {
	if moe.KindOf(err) != moe.NoReplica {
		r.world.violate("%s: a step failed: %v", r.name, err)
	}
	r.world.stats.abandoned++
	r.stalled = true
	r.retry++
	turn := r.retry
	r.world.loop.After(engine.RetryStalled, event.Func(func() {
		if turn == r.retry {
			r.resume()
		}
	}))
}

// resume ends the pause of a stalled step.
func (r *router) resume() {
	if r.stalled {
		r.stalled = false
		r.retry++
		r.kick()
	}
}

// adopt takes a placement from the registry.
func (r *router) adopt(p *moe.Placement) {
	if !r.up {
		return
	}
	r.catchUp()
	before := r.dispatcher.AckedEpoch()
	if r.dispatcher.Adopt(p) {
		r.world.checkAdopted(r, before, p)
		r.report()
		r.resume()
	}
}

// die ends the process.
func (r *router) die() {
	r.up = false
	r.discard()
	r.cores.drop(&r.process)
}
