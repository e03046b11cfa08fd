package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/moe"
)

// checkEvery is how often, in virtual time, the bookkeeping of routers is checked.
const checkEvery = 10 * time.Second

// maxFaults bounds how many broken invariants an error lists.
const maxFaults = 16

// violate records a broken invariant.
func (w *world) violate(format string, args ...any) {
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, fmt.Sprintf("at %v: ", w.loop.Now()-w.start)+fmt.Sprintf(format, args...))
	}
}

// broken lists the broken invariants; nil if there are none.
func (w *world) broken() error {
	if len(w.faults) == 0 {
		return nil
	}
	return errors.New("broken invariants: " + strings.Join(w.faults, "; "))
}

// checkTarget: epochs of targets rise.
func (w *world) checkTarget(old, target *moe.Target) {
	if old != nil && target.Epoch <= old.Epoch {
		w.violate("target of epoch %d after %d", target.Epoch, old.Epoch)
	}
}

// checkPlacement: epochs of placements rise, and a new placement names a replica only
// where the expert is resident, or where it was named before: the node may just have died,
// or lost its experts, and its record does not say so yet.
func (w *world) checkPlacement(old, p *moe.Placement) {
	if old != nil && p.Epoch() <= old.Epoch() {
		w.violate("placement of epoch %d after %d", p.Epoch(), old.Epoch())
	}
	for i, id := range w.topology.All() {
		for _, r := range p.Replicas(id) {
			n := w.nodes[r.Node]
			switch {
			case n == nil:
				w.violate("epoch %d names %s, which never was", p.Epoch(), r.Node)
			case !n.holds(i) && n.up && n.run == 1 && !named(old, id, r.Node):
				w.violate("epoch %d names %s for %v, which it does not hold", p.Epoch(), r.Node, id)
			}
		}
	}
}

func named(p *moe.Placement, id moe.ExpertID, node moe.NodeID) bool {
	if p == nil {
		return false
	}
	for _, r := range p.Replicas(id) {
		if r.Node == node {
			return true
		}
	}
	return false
}

// checkAdopted: the epochs of a router rise.
func (w *world) checkAdopted(r *router, before moe.Epoch, p *moe.Placement) {
	if p.Epoch() <= before {
		w.violate("%s adopts epoch %d after %d", r.name, p.Epoch(), before)
	}
}

// checkRefusal: a node is asked only for experts that it holds, unless it has started
// again and lost them.
func (w *world) checkRefusal(n *node, c *call, id moe.ExpertID) {
	if n.run == 1 {
		w.violate("%s is asked for %v at epoch %d, which it does not hold", n.name, id, c.epoch)
	}
}

// checkBatch: a node computes only experts that it holds.
func (w *world) checkBatch(n *node, b batcher.Batch) {
	for _, g := range b.Groups {
		if id := (moe.ExpertID{Layer: b.Layer, Expert: g.Expert}); !n.holds(w.topology.Index(id)) {
			w.violate("%s computes %v, which it does not hold", n.name, id)
		}
	}
}

// checkRouters: the queues and the blocks of every router are consistent.
func (w *world) checkRouters() {
	for _, r := range w.routers {
		if err := r.scheduler.Check(); err != nil && r.up {
			w.violate("%s: %v", r.name, err)
		}
	}
	for _, id := range w.nodeOrder {
		n := w.nodes[id]
		if held := int64(len(n.resident)) * w.scenario.Shape.ExpertBytes; held > n.spec.Capacity {
			w.violate("%s holds %d bytes of experts, it has room for %d", n.name, held, n.spec.Capacity)
		}
	}
}

// checkEnd: no request is lost. Each has ended once, or is at exactly one place.
func (w *world) checkEnd() {
	w.checkRouters()
	at := map[*request]int{}
	for _, r := range w.routers {
		for _, q := range r.requests {
			at[q]++
		}
		if r.up && w.open == 0 && (r.scheduler.Running() > 0 || r.scheduler.Waiting() > 0) {
			w.violate("%s has %d sequences after the last request", r.name, r.scheduler.Running()+r.scheduler.Waiting())
		}
	}
	open := 0
	for _, q := range w.requests {
		switch {
		case q.outcome == unfinished:
			open++
			if at[q] > 1 {
				w.violate("request %d is at %d routers", q.id, at[q])
			}
		case at[q] > 0:
			w.violate("request %d has ended and is at a router", q.id)
		case q.outcome == completed && q.answered != q.answer:
			w.violate("request %d has %d of %d tokens", q.id, q.answered, q.answer)
		}
	}
	if open != w.open {
		w.violate("%d requests are open, %d were counted", open, w.open)
	}
}
