package coordinator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

// atRest is a cluster of four nodes whose placement is complete. Each has room for a
// number of experts.
func atRest(t *testing.T, policy planner.Policy, replicas, experts, room int) *world {
	w := &world{
		t: t, now: time.Unix(1000, 0), rules: defaultRules(), layers: 1, experts: experts,
		nodes: map[moe.NodeID]*simNode{}, routers: map[string]*simRouter{}, drains: map[moe.NodeID]int64{},
	}
	w.rules.policy, w.rules.replicas, w.rules.expect, w.rules.ttl = policy, replicas, 4, 10*time.Second
	for i := range 2 {
		w.routers[fmt.Sprint("r", i)] = &simRouter{rows: make([]uint64, w.layers*w.experts)}
	}
	for range 4 {
		id := w.unused()
		w.start(id)
		w.nodes[id].capacity = room
	}
	w.elect()
	w.quieten(30)
	if text := w.s.degraded(); text != "" || w.etcd.placement == nil {
		t.Fatalf("at rest: %s", text)
	}
	return w
}

// quieten lets time pass until nothing was written for a number of seconds.
func (w *world) quieten(seconds int) {
	w.quiet = 0
	for range 900 {
		if w.second(); w.quiet > seconds {
			return
		}
	}
	w.t.Fatalf("the coordinator never rests: %s", w.s.degraded())
}

// TestACoordinatorKilledAtEveryStepOfAMove: the coordinator dies before each write that
// a change of the cluster asks for, and after it. The next one finishes the change: the
// placement is that of a coordinator that lives, and no router asks a node for what the
// node does not hold meanwhile.
func TestACoordinatorKilledAtEveryStepOfAMove(t *testing.T) {
	moves := map[string]func(*world){
		"join":    func(w *world) { w.start(w.unused()) },
		"drain":   func(w *world) { w.drains["n1"] = w.nodes["n1"].run },
		"leave":   func(w *world) { w.nodes["n1"].leaving = true },
		"death":   func(w *world) { w.rough, w.nodes["n1"].up, w.nodes["n1"].resident = true, false, nil },
		"restart": func(w *world) { w.rough = true; w.start("n1") },
		"death of two": func(w *world) {
			w.rough = true
			for _, id := range []moe.NodeID{"n0", "n1"} {
				w.nodes[id].up, w.nodes[id].resident = false, nil
			}
		},
	}
	for name, move := range moves {
		for _, policy := range []planner.Policy{planner.Column, planner.Balanced} {
			for replicas := 1; replicas <= 2; replicas++ {
				t.Run(fmt.Sprint(name, " ", policy, " ", replicas), func(t *testing.T) { killedAtEveryStep(t, policy, replicas, move) })
			}
		}
	}
}

func killedAtEveryStep(t *testing.T, policy planner.Policy, replicas int, move func(*world)) {
	finish := func(dies int) *world {
		w := atRest(t, policy, replicas, 4, 4)
		w.steps, w.dies = 0, dies
		move(w)
		w.quieten(70) // a node that only a placement names is lost after a minute
		return w
	}
	want := finish(0)
	if want.steps < 2 {
		t.Fatal("nothing is written")
	}
	for dies := 1; dies <= want.steps; dies++ {
		got := finish(dies)
		if got.steps < dies {
			t.Fatalf("step %d of %d did not come", dies, want.steps)
		}
		if !got.etcd.placement.SameReplicas(want.etcd.placement) {
			t.Errorf("killed at step %d of %d:\n%swant\n%s%s", dies, want.steps, listing(got.etcd.placement), listing(want.etcd.placement), got.s.degraded())
		}
	}
}

// TestALostPairIsReplacedWithinALease: two nodes die together and the others are full.
// The experts that only the two had are served again after the lease of a record, the
// time to drop as many copies and to load the experts, and the seconds in which those
// are published and acknowledged. Nothing waits for another lease, or for the minute
// after which a node that is not registered is lost. Gossip notices the deaths at once,
// or in the middle of the lease.
func TestALostPairIsReplacedWithinALease(t *testing.T) {
	const experts, room = 8, 4
	for _, policy := range []planner.Policy{planner.Column, planner.Balanced} {
		for _, pair := range [][2]moe.NodeID{{"n0", "n1"}, {"n0", "n2"}, {"n0", "n3"}, {"n1", "n2"}, {"n1", "n3"}, {"n2", "n3"}} {
			for _, noticed := range []time.Duration{0, 5 * time.Second} {
				t.Run(fmt.Sprint(policy, " ", pair, " noticed after ", noticed), func(t *testing.T) {
					w := atRest(t, policy, 2, experts, room)
					died := w.now
					w.s.alive = func(id moe.NodeID) bool { return w.nodes[id].up || w.now.Before(died.Add(noticed)) }
					w.rough = true
					for _, id := range pair {
						w.nodes[id].up, w.nodes[id].resident = false, nil
					}
					lost, took := w.unserved(), 0
					for ; w.unserved() > 0; took++ {
						if took > 900 {
							t.Fatalf("experts are lost: %s", w.s.degraded())
						}
						w.second()
					}
					const rounds = 6 // s: the eviction is published and acknowledged, then the new copies
					most := int(w.rules.ttl.Seconds()) + 2*lost + rounds
					t.Logf("%d experts are served again after %d s, at most %d s", lost, took, most)
					if lost > 0 && took > most {
						t.Errorf("%d experts are served again after %d s, want at most %d s", lost, took, most)
					}
				})
			}
		}
	}
}

// unserved counts the experts that the placement gives to no node that lives and holds
// them.
func (w *world) unserved() (n int) {
	for _, id := range w.etcd.placement.Topology().All() {
		if !slices.ContainsFunc(w.etcd.placement.Replicas(id), func(r moe.Replica) bool { return w.nodes[r.Node].up && w.nodes[r.Node].resident.Has(id) }) {
			n++
		}
	}
	return n
}
