package sim

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// control is the registry and the coordinator: what etcd would hold, who decides, and how
// news travel. The decisions are the product's.
type control struct {
	world   *world
	machine *coordinator.Machine // nil while no coordinator leads
	floor   moe.Epoch
	term    int

	nodes     map[moe.NodeID]*hachiv1.NodeRecord // as last written
	routers   map[string]*hachiv1.RouterRecord
	loads     map[string]*hachiv1.RouterLoad
	written   coordinator.Written
	newNodes  bool // since the last decision
	newLoads  bool
	heard     map[moe.NodeID]bool // by gossip
	published time.Duration
}

// elect starts the term of a coordinator.
func (c *control) elect() {
	w := c.world
	cfg := coordinator.Config{
		Policy: w.scenario.Policy, Replicas: w.scenario.Replicas, Redundant: w.scenario.Redundant,
		Expect: len(w.scenario.Nodes), TTL: w.scenario.Control.LeaseTTL, Alive: func(id moe.NodeID) bool { return c.heard[id] },
	}
	c.term++
	c.machine = coordinator.Begin(cfg, c.written, c.floor, w.loop.Date())
	c.newNodes, c.newLoads = true, true
}

// tick decides, again and again.
func (c *control) tick() {
	c.world.loop.After(c.world.scenario.Control.Tick, event.Func(c.tick))
	if c.machine == nil {
		return
	}
	w, now := c.world, c.world.loop.Date()
	if c.newNodes {
		c.machine.ObserveNodes(values(c.nodes), 1, now)
		c.machine.ObserveRouters(values(c.routers))
	}
	if c.newLoads {
		c.machine.ObserveLoads(values(c.loads), now)
	}
	c.newNodes, c.newLoads = false, false
	out := c.machine.Decide(now)
	if out.Target != nil {
		w.checkTarget(c.written.Target, out.Target)
		c.written.Target = out.Target
	}
	if out.Placement != nil {
		w.checkPlacement(c.written.Placement, out.Placement)
		c.written.Placement, c.published = out.Placement, w.loop.Now()
		w.stats.placements++
	}
	c.machine.Adopt(c.written)
	c.floor = max(c.floor, c.machine.Floor())
	if out.Target != nil || out.Placement != nil {
		c.announce(c.written)
	}
}

// values are those of a map in the order of its keys.
func values[K ~string, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// announce brings what was written to its readers.
func (c *control) announce(written coordinator.Written) {
	w := c.world
	w.loop.After(w.scenario.Control.Watch, event.Func(func() {
		for _, id := range w.nodeOrder {
			w.nodes[id].hear(written)
		}
		for _, r := range w.routers {
			if written.Placement != nil {
				r.adopt(written.Placement)
			}
		}
	}))
}

// hear takes what was written, unless it is known.
func (n *node) hear(written coordinator.Written) {
	if !n.up || n.cut {
		return
	}
	if t := written.Target; t != nil && n.news.Target != t {
		n.news.Target = t
		n.record.TargetEpoch = uint64(t.Epoch)
		n.world.control.changed(n)
	}
	if p := written.Placement; p != nil && (n.news.Placement == nil || p.Epoch() > n.news.Placement.Epoch()) {
		n.news.Placement = p
		n.record.Epoch = uint64(p.Epoch())
		n.world.control.changed(n)
	}
	n.act()
}

// changed writes the record of a node.
func (c *control) changed(n *node) {
	if n.up && !n.cut && n.registered {
		c.nodes[n.spec.ID] = proto.CloneOf(n.record)
		c.newNodes = true
	}
}

// register makes a node a member: it hears what was written, and gossip hears it.
func (c *control) register(n *node) {
	n.registered = true
	c.changed(n)
	w := c.world
	w.loop.After(w.scenario.Control.Watch, event.Func(func() {
		n.news.Routers = c.routerList()
		n.hear(c.written)
	}))
	c.gossip(n)
}

// gossip tells all, after a while, whether a node is heard.
func (c *control) gossip(n *node) {
	w := c.world
	w.loop.After(w.scenario.Control.Gossip, event.Func(func() {
		now := w.nodes[n.spec.ID]
		if heard := now.up && !now.cut; heard != c.heard[n.spec.ID] {
			c.heard[n.spec.ID] = heard
			for _, r := range w.routers {
				r.catchUp()
				if !heard {
					r.dispatcher.Suspect(n.spec.ID)
					continue
				}
				r.dispatcher.Trust(n.spec.ID)
				r.resume()
			}
		}
	}))
}

// expire removes the record of a node that renews its lease no longer. It was renewed in
// the last third of the lease.
func (c *control) expire(n *node) {
	w := c.world
	ttl := w.scenario.Control.LeaseTTL
	w.loop.After(ttl-time.Duration(w.random.Float64()*float64(ttl)/3), event.Func(func() {
		if w.nodes[n.spec.ID] == n && (!n.up || n.cut) {
			delete(c.nodes, n.spec.ID)
			c.newNodes = true
		}
	}))
}

// size is how many nodes the placement has.
func (c *control) size() int { return len(c.nodes) }

// hasRouter reports that a run of a router has a record.
func (c *control) hasRouter(r *router) bool { return c.routers[string(r.id)] != nil }

// routerList is never nil: a registry without routers is news too.
func (c *control) routerList() []*hachiv1.RouterRecord {
	return append([]*hachiv1.RouterRecord{}, values(c.routers)...)
}

// routersChanged brings the records of routers to the nodes.
func (c *control) routersChanged() {
	w := c.world
	c.newNodes = true
	list := c.routerList()
	w.loop.AfterLocal(w.scenario.Control.Watch, event.Func(func() {
		for _, id := range w.nodeOrder {
			if n := w.nodes[id]; n.up && !n.cut {
				n.news.Routers = list
				n.act()
			}
		}
	}))
}

// joinRouter registers a router.
func (c *control) joinRouter(r *router) {
	c.routers[string(r.id)] = proto.CloneOf(r.record)
	c.routersChanged()
	if p := c.written.Placement; p != nil {
		c.world.loop.After(c.world.scenario.Control.Watch, event.Func(func() { r.adopt(p) }))
	}
	c.world.front.update()
	r.reportAgain()
}

// loseRouter removes the record of a router that has died, when its lease has ended.
func (c *control) loseRouter(r *router) {
	c.world.loop.After(c.world.scenario.Control.LeaseTTL, event.Func(func() {
		delete(c.routers, string(r.id))
		delete(c.loads, string(r.id))
		c.newLoads = true
		c.routersChanged()
		c.world.front.update()
	}))
}
