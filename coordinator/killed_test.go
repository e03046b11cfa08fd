package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
)

// atRest is a cluster of four nodes whose placement is complete.
func atRest(t *testing.T, policy planner.Policy, replicas int) *world {
	w := &world{
		t: t, now: time.Unix(1000, 0), rules: defaultRules(), layers: 1, experts: 4,
		nodes: map[moe.NodeID]*simNode{}, routers: map[string]*simRouter{}, drains: map[moe.NodeID]int64{},
	}
	w.rules.policy, w.rules.replicas, w.rules.expect, w.rules.ttl = policy, replicas, 4, 10*time.Second
	for i := range 2 {
		w.routers[fmt.Sprint("r", i)] = &simRouter{rows: make([]uint64, w.layers*w.experts)}
	}
	for range 4 {
		w.start(w.unused())
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
		w := atRest(t, policy, replicas)
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
