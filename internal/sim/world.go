package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// world is one run. One goroutine owns it.
type world struct {
	scenario *scenario.Scenario
	topology moe.Topology
	loop     event.Loop
	random   *rand.Rand // of the network and the leases
	latency  machine.Latency
	gate     *gate
	hosts    map[string]*cores

	nodes     map[moe.NodeID]*node // the newest run of each
	nodeOrder []moe.NodeID
	numbered  []*node   // the same, in that order
	routers   []*router // the newest run of each
	holders   holders
	started   int32 // processes of nodes
	speeds    map[kind]*machine.Experts
	control   *control
	front     *front

	requests  []*request
	open      int // requests that have not ended
	sequences uint64
	users     *users
	start     time.Duration // of the trace
	measured  time.Duration // since when it counts
	ended     time.Duration // of the last request

	ahead  chan *ahead // work for workers; nil without any
	zero   []byte
	cuts   bool // a node was cut off: only then a call looks whether its own is
	stats  stats
	coming []scenario.Fault // of the load
	keep   bool             // when tokens of answers came
	faults []string         // broken invariants
}

func newWorld(s *scenario.Scenario) *world {
	w := &world{
		scenario: s, topology: s.Shape.Config.Topology(), random: rand.New(rand.NewPCG(s.Seed, 0x68616368692d73)),
		latency: s.Network.Latency(), holders: newHolders(s.Shape.Config.Topology().Experts()),
		speeds: map[kind]*machine.Experts{}, hosts: map[string]*cores{}, nodes: map[moe.NodeID]*node{}, routers: make([]*router, s.Routers.Count),
	}
	w.gate = newGate(w.topology, s.Shape.Config.TopK, s.Routing, rand.New(rand.NewPCG(s.Seed, 1)))
	w.control = &control{
		world: w, nodes: map[moe.NodeID]*hachiv1.NodeRecord{}, routers: map[string]*hachiv1.RouterRecord{}, loads: map[string]*hachiv1.RouterLoad{},
		heard: map[moe.NodeID]bool{}, written: assigned(s.Nodes),
	}
	w.front = &front{world: w, budget: balance.NewBudget()}
	return w
}

// assigned is the target that the nodes begin with, if there is one.
func assigned(nodes []scenario.Node) (out coordinator.Written) {
	shards := map[moe.NodeID]moe.Shard{}
	for _, n := range nodes {
		if len(n.Assigned) > 0 {
			shards[n.ID] = n.Assigned
		}
	}
	if len(shards) > 0 {
		out.Target = &moe.Target{Epoch: 1, Shards: shards}
	}
	return out
}

// sequence is a new id of a sequence.
func (w *world) sequence() uint64 {
	w.sequences++
	return w.sequences
}

// zeros are n bytes that are only read. memory grows with the largest n, and has one
// goroutine at a time.
func zeros(memory *[]byte, n int) []byte {
	if n > len(*memory) {
		*memory = make([]byte, 2*n)
	}
	return (*memory)[:n]
}

// runName is a name that no other run of a process has.
func runName(name string, run int) string { return fmt.Sprintf("%s#%d", name, run) }

func (w *world) routerNamed(name string) *router {
	for _, r := range w.routers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// forming bounds how long the cluster may take until its first placement is complete.
const forming = 24 * time.Hour

// form starts every process, and runs until the target is loaded and every router has
// adopted a placement that no further one follows.
func (w *world) form() error {
	for i := range w.routers {
		w.startRouter(i, 1)
	}
	for _, spec := range w.scenario.Nodes {
		n := w.startNode(spec)
		w.control.register(n)
		n.report()
	}
	for _, r := range w.routers {
		w.control.joinRouter(r)
	}
	w.control.elect()
	w.control.tick()
	w.front.probe()
	return w.settle()
}

// settle runs until every expert is where it should be.
func (w *world) settle() error {
	for !w.formed() {
		if !w.loop.Step() || w.loop.Now() > forming {
			return &FormError{Reason: w.control.machine.Degraded()}
		}
	}
	return nil
}

// formed reports that the first placement is complete.
func (w *world) formed() bool {
	c := w.control
	if c.written.Target == nil || c.written.Placement == nil || w.loop.Now() < c.published+2*settleTime(w) {
		return false
	}
	for _, n := range w.nodes {
		if n.moving || len(c.written.Target.Shards[n.spec.ID].Minus(n.resident)) > 0 {
			return false
		}
	}
	for _, r := range w.routers {
		if r.dispatcher.AckedEpoch() != c.written.Placement.Epoch() {
			return false
		}
	}
	return true
}

// settleTime is how long a placement stays the newest when nothing changes.
func settleTime(w *world) time.Duration {
	return 2*w.scenario.Control.Tick + 2*w.scenario.Control.Watch
}

// serve brings the requests and the faults of a load at their times, and runs until all
// requests have ended, or as long as its options say.
func (w *world) serve(l Load) {
	requests, o := l.Requests, l.Options
	w.requests, w.users, w.stats, w.coming, w.keep = nil, nil, stats{}, l.Faults, o.Keep
	if len(o.Warm) > 0 {
		w.warm(o)
	}
	w.start = w.loop.Now()
	w.ended = w.start
	w.measure()
	last := w.start
	if o.Users > 0 {
		w.users = &users{world: w, pool: requests, think: o.Think, again: o.Stop > 0, settled: o.Settled, waiting: o.Users}
		last = w.users.begin(o.Users, o.Join)
	} else {
		for _, t := range requests {
			last = w.start + t.At
			w.send(t, last)
		}
	}
	if o.Users == 0 || o.Settled == 0 {
		w.strike()
	}
	if o.WarmUp > 0 {
		w.loop.At(w.start+o.WarmUp, event.Func(w.measure))
	}
	w.run(last, o)
	w.checkEnd()
}

// send lets a request arrive at a time.
func (w *world) send(t trace.Request, at time.Duration) *request {
	q := w.newRequest(len(w.requests), t)
	w.requests = append(w.requests, q)
	w.open++
	w.loop.AtLocal(at, event.Func(func() { w.front.arrive(q) }))
	return q
}

// run handles events until the run is over.
func (w *world) run(last time.Duration, o Options) {
	next := w.start
	for w.open > 0 || (w.users != nil && w.users.thinking > 0) {
		now := w.loop.Now()
		if (o.Stop > 0 && now >= w.start+o.Stop) || (w.users == nil && now > last+o.Limit) || !w.loop.Step() {
			return
		}
		if w.loop.Now() >= next {
			w.checkRouters()
			next = w.loop.Now() + checkEvery
		}
	}
}
