package dispatch

import (
	"math/bits"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// task is the work of one expert in a layer: the slots row*K+k of the routing
// that chose it, ascending. It is the unit of hedges and failovers.
type task struct {
	expert   int
	slots    []int32
	tried    []*record // nodes that a call was sent to
	attempts int       // in flight
	done     bool      // its rows have arrived
	lastErr  error     // why its last attempt failed
}

// groupByExpert lists the tasks of the experts that rows chose in l.todo, ascending. Those
// of all others have no slots.
func (l *layerRun) groupByExpert(r moe.Routing, experts int) {
	for _, t := range l.todo { // of the layer before
		*t = task{expert: t.expert, slots: t.slots[:0], tried: t.tried[:0]}
	}
	l.tasks = slices.Grow(l.tasks, max(0, experts-len(l.tasks)))
	for e := len(l.tasks); e < experts; e++ {
		l.tasks = append(l.tasks, task{expert: e})
	}
	l.todo, l.chosen = l.todo[:0], resize(l.chosen, (experts+63)/64)
	clear(l.chosen)
	all := l.tasks[:experts]
	for slot, e := range r.Experts {
		all[e].slots = append(all[e].slots, int32(slot))
		l.chosen[e/64] |= 1 << (e % 64)
	}
	for word, set := range l.chosen {
		for ; set != 0; set &= set - 1 {
			l.todo = append(l.todo, &all[64*word+bits.TrailingZeros64(set)])
		}
	}
}

// routes is a placement with the records of its hosts, so that a plan looks up no name. A
// replica is a place in both.
type routes struct {
	placement *moe.Placement
	hosts     []moe.Replica
	nodes     []*record
}

// routes finds the records of the nodes of a placement.
func (n *nodeTracker) routes(p *moe.Placement) *routes {
	out := &routes{p, p.Hosts(), make([]*record, len(p.Hosts()))}
	for i, r := range out.hosts {
		out.nodes[i] = n.record(r.Node)
	}
	return out
}

// anySuspected reports that a replica of some tasks may come last. It looks at all of them
// before the plan does, so that the processor fetches their records at the same time.
func (l *layerRun) anySuspected(todo []*task) bool {
	any := false
	for _, t := range todo {
		for _, host := range l.replicas(t.expert) {
			any = any || l.routes.nodes[host].suspected != nil
		}
	}
	return any
}

// ranking orders replicas for one plan.
type ranking struct {
	*routes
	now       time.Time
	clock     time.Duration // the same, as nodeTracker.since
	local     func(addr string) bool
	turn      uint64 // selects the two of many replicas that are compared
	suspicion bool   // a replica may come last
}

// pick chooses the replica of a task among those that were not tried:
// unsuspected before suspected, then the cheaper of two, then one on this host,
// then by the placement's order. It compares two and not all: routers that all
// pick the best node overload it together. Source: Mitzenmacher, "The power of
// two choices in randomized load balancing" (2001). It is none when every replica was
// tried.
func (c *ranking) pick(list []int32, tried []*record) (host int32) {
	if !c.suspicion && len(tried) == 0 && len(list) > 1 {
		i, j := c.pair(len(list))
		return c.cheaper(list[i], list[j])
	}
	var room [8]int32 // on the stack; more replicas than usual
	fit := room[:0]
	for _, last := range [...]bool{false, true} {
		for _, host := range list {
			if node := c.nodes[host]; node.suspected.last(c.now) == last && !slices.Contains(tried, node) {
				fit = append(fit, host)
			}
		}
		if len(fit) > 0 {
			break
		}
	}
	switch len(fit) {
	case 0:
		return none
	case 1:
		return fit[0]
	}
	i, j := c.pair(len(fit))
	return c.cheaper(fit[i], fit[j])
}

// none is no replica.
const none = -1

// cheaper is the one of two that is expected to answer first.
func (c *ranking) cheaper(a, b int32) int32 {
	ca, cb := c.nodes[a].cost(c.clock, 1), c.nodes[b].cost(c.clock, 1)
	if cb < ca || (cb == ca && c.local(c.hosts[b].Addr) && !c.local(c.hosts[a].Addr)) {
		return b
	}
	return a
}

// pair is two different indices below n, the smaller first. Over n*(n-1)
// consecutive turns all pairs come up.
func (c *ranking) pair(n int) (int, int) {
	if n == 2 {
		return 0, 1
	}
	a := int(c.turn % uint64(n))
	b := (a + 1 + int(c.turn/uint64(n))%(n-1)) % n
	return min(a, b), max(a, b)
}

// anyOpen reports that a task has not got its rows.
func anyOpen(all []*task) bool {
	return slices.ContainsFunc(all, func(t *task) bool { return !t.done })
}

// openTasks are the tasks without their rows.
func openTasks(all []*task) []*task {
	var out []*task
	for _, t := range all {
		if !t.done {
			out = append(out, t)
		}
	}
	return out
}

// idleTasks are the tasks that no attempt in flight computes.
func idleTasks(all []*task) []*task {
	var out []*task
	for _, t := range all {
		if t.attempts == 0 {
			out = append(out, t)
		}
	}
	return out
}

// rowsOf counts (row, expert) pairs.
func rowsOf(all []*task) int {
	n := 0
	for _, t := range all {
		n += len(t.slots)
	}
	return n
}
