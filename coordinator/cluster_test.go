package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// world is a cluster in which everything but the state is simulated: nodes
// that load and unload by their rule, routers that adopt and ack, an etcd that
// can be lost or emptied. Time goes by seconds.
type world struct {
	t     interface{ Fatalf(string, ...any) }
	draw  *rapid.T // what happens next
	rules rules
	now   time.Time
	s     *state

	layers, experts int
	etcd            written
	connection      uint64
	nodes           map[moe.NodeID]*simNode
	routers         map[string]*simRouter
	drains          map[moe.NodeID]int64
	highest         moe.Epoch // ever published
	runs            int64
	quiet           int  // seconds without a write
	rough           bool // something died or was cut off
	// The coordinator dies at step number dies: before a write, or after it. The next
	// one leads after the lease of the election. 0 is never.
	dies, steps, vacant int
}

type simNode struct {
	id       moe.NodeID
	up       bool
	cut      bool      // from etcd; gossip still hears it
	record   bool      // its record is in etcd
	expires  time.Time // when etcd deletes the record if no renewal comes
	run      int64
	leaving  bool
	capacity int
	resident moe.Shard
	target   moe.Target
	known    *moe.Placement // newest placement it knows
	acks     []moe.Epoch    // of the routers, as it sees them
}

type simRouter struct {
	cut       bool
	placement *moe.Placement
	acked     moe.Epoch
	rows      []uint64
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, draw: t, now: time.Unix(1000, 0), rules: defaultRules(),
		layers: rapid.IntRange(1, 3).Draw(t, "layers"), experts: rapid.IntRange(1, 6).Draw(t, "experts"),
		nodes: map[moe.NodeID]*simNode{}, routers: map[string]*simRouter{}, drains: map[moe.NodeID]int64{},
	}
	w.rules.policy = rapid.SampledFrom([]planner.Policy{planner.Column, planner.Balanced}).Draw(t, "policy")
	w.rules.replicas = rapid.IntRange(1, 3).Draw(t, "replicas")
	w.rules.expect, w.rules.ttl = rapid.IntRange(1, 3).Draw(t, "expect"), 10*time.Second
	w.rules.balance.rows, w.rules.forget = 50, 2*time.Minute
	for i := range 2 {
		w.routers[fmt.Sprint("r", i)] = &simRouter{rows: make([]uint64, w.layers*w.experts)}
	}
	for range rapid.IntRange(1, 4).Draw(t, "first nodes") {
		w.start(w.unused())
	}
	w.elect()
	return w
}

func (w *world) elect() {
	w.connection++
	w.s = newState(w.rules, w.etcd, 0, func(id moe.NodeID) bool { return w.nodes[id] != nil && w.nodes[id].up }, w.now)
}

func (w *world) unused() moe.NodeID {
	for i := 0; ; i++ {
		if id := moe.NodeID(fmt.Sprint("n", i)); w.nodes[id] == nil || !w.nodes[id].up {
			return id
		}
	}
}

func (w *world) start(id moe.NodeID) {
	w.runs++
	w.nodes[id] = &simNode{id: id, up: true, record: true, run: w.runs, capacity: w.layers * w.experts}
}

// pick draws one of the nodes that suit.
func (w *world) pick(suits func(*simNode) bool) *simNode {
	var ids []moe.NodeID
	for _, id := range slices.SortedFunc(maps.Keys(w.nodes), planner.Natural) {
		if suits(w.nodes[id]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		w.draw.Skip("no node suits")
	}
	return w.nodes[rapid.SampledFrom(ids).Draw(w.draw, "node")]
}

func up(n *simNode) bool { return n.up && !n.leaving }

// second lets every node and router do one thing, then the coordinator.
func (w *world) second() {
	w.now = w.now.Add(time.Second)
	for _, id := range slices.SortedFunc(maps.Keys(w.nodes), planner.Natural) {
		w.act(w.nodes[id])
	}
	for _, r := range w.routers {
		if p := w.etcd.placement; !r.cut && p != nil && (r.placement == nil || p.Epoch() > r.placement.Epoch()) {
			r.placement = p
		} else if r.placement != nil {
			r.acked = r.placement.Epoch() // a second later nothing older is in flight
		}
	}
	w.decide()
	w.check()
}

// act renews a node's record, gives the node what etcd holds, and lets the node
// load or unload one expert.
func (w *world) act(n *simNode) {
	if n.up && !n.cut {
		n.record, n.expires = true, w.now.Add(w.rules.ttl)
	} else if n.record && w.now.After(n.expires) {
		n.record = false
	}
	if !n.up {
		return
	}
	if !n.cut {
		if w.etcd.hasTarget {
			n.target = w.etcd.target
		}
		if p := w.etcd.placement; p != nil {
			n.known = p
		}
		n.acks = nil
		for _, r := range w.routers {
			if !r.cut {
				n.acks = append(n.acks, r.acked)
			}
		}
	}
	if gone := n.droppable(); len(gone) > 0 {
		w.drop(n, gone[0])
	} else if todo := n.target.Shards[n.id].Minus(n.resident); len(todo) > 0 && len(n.resident) < n.capacity {
		n.resident = moe.NewShard(append(slices.Clone(n.resident), todo[0]))
	}
	if n.leaving && (n.known == nil || (len(placed(n.known)[n.id]) == 0 && n.acked())) {
		n.up, n.record = false, false
	}
}

// acked reports that every router uses the placement that the node knows.
func (n *simNode) acked() bool {
	return !slices.ContainsFunc(n.acks, func(e moe.Epoch) bool { return e != n.known.Epoch() })
}

// droppable is the rule by which nodes unload.
func (n *simNode) droppable() moe.Shard {
	if n.known == nil || n.target.Shards == nil || !n.acked() {
		return nil
	}
	return n.resident.Minus(n.target.Shards[n.id]).Minus(placed(n.known)[n.id])
}

// drop checks that no router with a link to etcd would ask for what is
// unloaded.
func (w *world) drop(n *simNode, id moe.ExpertID) {
	for name, r := range w.routers {
		if !n.cut && !r.cut && r.placement != nil && placed(r.placement)[n.id].Has(id) {
			w.t.Fatalf("%s unloads %v although %s asks it at epoch %d", n.id, id, name, r.placement.Epoch())
		}
	}
	n.resident = n.resident.Minus(moe.Shard{id})
}

func (w *world) records() (nodes []*hachiv1.NodeRecord, routers []*hachiv1.RouterRecord, loads []*hachiv1.RouterLoad) {
	for _, n := range w.nodes {
		if !n.record {
			continue
		}
		epoch := uint64(0)
		if n.known != nil {
			epoch = uint64(n.known.Epoch())
		}
		resident := n.resident
		if !n.up {
			resident = nil // a dead node's last words are about its last run; the worst case
		}
		nodes = append(nodes, &hachiv1.NodeRecord{
			NodeId: string(n.id), Addr: fmt.Sprint(n.id, ":", n.run), Fingerprint: "fp", Draining: n.leaving,
			ExpertsPerLayer: moepb.TopologyToProto(moe.Uniform(w.layers, w.experts)), StartedUnixNano: n.run, Epoch: epoch, TargetEpoch: uint64(n.target.Epoch),
			Resident: moepb.ShardToProto(resident), ExpertBytes: 1, CapacityBytes: uint64(n.capacity),
		})
	}
	for id, r := range w.routers {
		if !r.cut {
			routers = append(routers, &hachiv1.RouterRecord{RouterId: id, Fingerprint: "fp", AckedEpoch: uint64(r.acked)})
			loads = append(loads, &hachiv1.RouterLoad{RouterId: id, Fingerprint: "fp", RowsSent: r.rows})
		}
	}
	return nodes, routers, loads
}

func (w *world) decide() {
	w.quiet++
	if w.vacant > 0 {
		if w.vacant--; w.vacant == 0 {
			w.elect()
		}
		return
	}
	nodes, routers, loads := w.records()
	w.s.observeNodes(nodes, w.connection, w.now)
	w.s.observeRouters(routers)
	w.s.observeLoads(loads, w.now)
	w.s.observeDrains(w.drains)
	w.write(w.s.decide(w.now))
	w.s.adopt(w.etcd)
}

// write takes what the state wants written, target first, until the coordinator dies.
func (w *world) write(out writes) {
	if out.target != nil && w.lives() {
		if w.etcd.hasTarget && out.target.Epoch <= w.etcd.target.Epoch {
			w.t.Fatalf("target %d after %d", out.target.Epoch, w.etcd.target.Epoch)
		}
		w.etcd.target, w.etcd.hasTarget, w.quiet = *out.target, true, 0
		w.lives()
	}
	if p := out.placement; p != nil && w.vacant == 0 && w.lives() {
		w.published(p)
		w.etcd.placement, w.quiet = p, 0
		w.lives()
	}
}

// lives counts a step, and reports that the coordinator does not die at it.
func (w *world) lives() bool {
	if w.steps++; w.steps == w.dies {
		w.vacant = 6 // seconds: the lease of the election is 5
	}
	return w.vacant == 0
}

// published checks a placement when it is written.
func (w *world) published(p *moe.Placement) {
	if p.Epoch() <= w.highest {
		w.t.Fatalf("placement %d after %d", p.Epoch(), w.highest)
	}
	w.highest = p.Epoch()
	for _, r := range w.routers {
		if !r.cut && r.placement != nil && r.placement.Epoch() >= p.Epoch() {
			w.t.Fatalf("a router at epoch %d will not adopt %d", r.placement.Epoch(), p.Epoch())
		}
	}
	for _, r := range p.Nodes() {
		n := w.nodes[r.Node]
		if missing := placed(p)[r.Node].Minus(n.resident); n.up && n.record && !n.cut && len(missing) > 0 {
			w.t.Fatalf("placement %d names %s for %v, which it does not hold", p.Epoch(), r.Node, missing)
		}
		if n.up && n.record && !n.cut && r.Addr != fmt.Sprint(n.id, ":", n.run) {
			w.t.Fatalf("placement %d names %s at %s", p.Epoch(), r.Node, r.Addr)
		}
	}
}

// check holds as long as nothing died: every replica that any router knows of
// can be asked.
func (w *world) check() {
	if w.rough {
		return
	}
	for name, r := range w.routers {
		if r.placement == nil {
			continue
		}
		for _, node := range r.placement.Nodes() {
			n := w.nodes[node.Node]
			if missing := placed(r.placement)[node.Node].Minus(n.resident); len(missing) > 0 {
				w.t.Fatalf("%s would ask %s for %v, which it does not hold", name, n.id, missing)
			}
		}
	}
}

// rest is longer, in seconds, than anything the state waits for: a minute for a
// node that only a placement names, and two for its home to be forgotten.
const rest = 200

// settle ends all troubles and waits until nothing is written any more.
func (w *world) settle() {
	w.quiet = 0
	clear(w.drains)
	for _, n := range w.nodes {
		n.cut = false
	}
	for _, r := range w.routers {
		r.cut = false
	}
	if len(w.nodes) == 0 || !slices.ContainsFunc(slices.Collect(maps.Values(w.nodes)), up) {
		w.start(w.unused())
	}
	for range 1800 {
		if w.second(); w.quiet > rest {
			break
		}
	}
}

// healthy is what a cluster at rest looks like.
func (w *world) healthy() {
	if w.quiet <= rest {
		w.t.Fatalf("the coordinator never rests: %s", w.s.degraded())
	}
	for id, r := range w.routers {
		if r.placement != w.etcd.placement {
			w.t.Fatalf("%s follows another placement than the published one", id)
		}
	}
	live := 0
	for _, n := range w.nodes {
		if n.up {
			live++
			if fmt.Sprint(n.resident) != fmt.Sprint(w.etcd.target.Shards[n.id]) {
				w.t.Fatalf("%s holds %v, its target is %v (%s)", n.id, n.resident, w.etcd.target.Shards[n.id], w.s.degraded())
			}
		}
	}
	if w.etcd.placement == nil {
		w.t.Fatalf("nothing is placed: %s", w.s.degraded())
	}
	copies := min(live, w.rules.replicas)
	for i := range w.layers * w.experts {
		id := moe.ExpertID{Layer: i / w.experts, Expert: i % w.experts}
		if got := w.etcd.placement.Replicas(id); len(got) != copies {
			w.t.Fatalf("%v has replicas %v, want %d (%s)", id, got, copies, w.s.degraded())
		}
	}
	if text := w.s.degraded(); text != "" && live >= w.rules.replicas {
		w.t.Fatalf("degraded at rest: %s", text)
	}
}

// calm are the events in which no process dies and no record is lost.
func (w *world) calm() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"time": func(t *rapid.T) {
			for range rapid.IntRange(1, 30).Draw(t, "seconds") {
				w.second()
			}
		},
		"join": func(t *rapid.T) {
			if len(w.nodes) > 6 {
				t.Skip("enough")
			}
			w.start(w.unused())
		},
		"stop": func(*rapid.T) { w.pick(up).leaving = true },
		"drain": func(*rapid.T) {
			n := w.pick(up)
			w.drains[n.id] = n.run
		},
		"undrain": func(*rapid.T) { clear(w.drains) },
		"elect":   func(*rapid.T) { w.elect() },
		"load": func(t *rapid.T) {
			for _, r := range w.routers {
				for i := range r.rows {
					r.rows[i] += uint64(rapid.IntRange(0, 400).Draw(t, "rows"))
				}
			}
		},
	}
}

func TestNothingIsMissedWhileNoNodeDies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(w.calm())
		w.settle()
		w.healthy()
	})
}

func TestTheClusterAlwaysComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.rough = true
		events := w.calm()
		events["die"] = func(*rapid.T) {
			n := w.pick(up)
			n.up, n.resident = false, nil
		}
		events["restart"] = func(*rapid.T) { w.start(w.pick(up).id) }
		events["cut"] = func(*rapid.T) { w.pick(up).cut = true }
		events["heal"] = func(*rapid.T) { w.pick(up).cut = false }
		events["cut router"] = func(*rapid.T) { w.routers["r0"].cut = true }
		events["heal router"] = func(*rapid.T) { w.routers["r0"].cut = false }
		events["reconnect"] = func(*rapid.T) { w.connection++ }
		events["wipe"] = func(*rapid.T) {
			w.etcd, w.highest = written{}, 0
			clear(w.drains)
			for _, r := range w.routers {
				if r.placement != nil && !r.cut {
					w.highest = max(w.highest, r.placement.Epoch())
				}
			}
			for _, n := range w.nodes {
				n.record = false
			}
			w.elect()
		}
		t.Repeat(events)
		w.settle()
		w.healthy()
	})
}
