package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/moe"
)

// befall lets a fault happen, and ends it after its time.
func (w *world) befall(f scenario.Fault) {
	w.stats.faults++
	for _, name := range f.Targets {
		var heal func()
		switch r := w.routerNamed(name); {
		case name == scenario.Coordinator:
			heal = w.killCoordinator()
		case r != nil:
			heal = w.befallRouter(r, f)
		default:
			heal = w.befallNode(w.nodes[moe.NodeID(name)], f)
		}
		if f.For > 0 && heal != nil {
			w.loop.After(f.For, event.Func(heal))
		}
	}
	for _, spec := range f.Nodes {
		n := w.startNode(spec)
		w.control.register(n)
		n.report()
	}
}

// killCoordinator ends a term. The next coordinator leads after the election.
func (w *world) killCoordinator() (heal func()) {
	c := w.control
	if c.machine != nil {
		c.machine = nil
		w.loop.After(w.scenario.Control.Election, event.Func(c.elect))
	}
	return nil
}

func (w *world) befallRouter(r *router, f scenario.Fault) (heal func()) {
	if f.Kind == scenario.Slow {
		r.slow *= f.Factor
		return func() { r.slow /= f.Factor }
	}
	if !r.up {
		return nil
	}
	r.die()
	w.control.loseRouter(r)
	// The connections of its clients are reset.
	w.loop.After(w.scenario.Network.P50, event.Func(func() { w.front.routerDied(r) }))
	return func() { w.control.joinRouter(w.startRouter(r.number, r.run+1)) }
}

func (w *world) befallNode(n *node, f scenario.Fault) (heal func()) {
	switch {
	case n == nil:
		return nil
	case f.Kind == scenario.Slow:
		n.slow *= f.Factor
		return func() { n.slow /= f.Factor }
	case f.Kind == scenario.Partition:
		return w.cut(n)
	case !n.up:
		return nil
	}
	n.die()
	w.control.expire(n)
	w.control.gossip(n)
	return func() {
		n.begins(func() {
			next := w.startNode(n.spec)
			w.control.register(next)
			next.report()
		})
	}
}

// begins starts the next process of a dead node: it takes a core until it is registered.
func (n *node) begins(then func()) {
	start := func() {
		if n.world.nodes[n.spec.ID] == n { // no other fault has started it again
			then()
		}
	}
	switch took := n.spec.Machine.Start; {
	case took == 0:
		start()
	case n.shared:
		n.cores.runOn(&n.process, 1, 0, took, event.Func(start))
	default:
		n.world.loop.After(took, event.Func(start))
	}
}

// cut takes a node off the network.
func (w *world) cut(n *node) (heal func()) {
	if !n.up || n.cut {
		return nil
	}
	n.cut, n.world.cuts = true, true
	w.control.expire(n)
	w.control.gossip(n)
	return func() {
		n.cut = false
		if !n.up {
			return
		}
		w.control.register(n)
		w.loop.After(reconnect, event.Func(func() { n.hear(w.control.written) }))
	}
}

// reconnect is how long a process takes to reach etcd again.
const reconnect = time.Second
