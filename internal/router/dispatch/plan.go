package dispatch

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// task is the work of one expert in a layer: the slots row*K+k of the routing
// that chose it, ascending. It is the unit of hedges and failovers.
type task struct {
	expert   int
	slots    []int32
	tried    []moe.NodeID // nodes that a call was sent to
	attempts int          // in flight
	done     bool         // its rows have arrived
	lastErr  error        // why its last attempt failed
}

// groupByExpert makes one task per expert, ascending, in the memory of old.
// Experts that no row chose get a task without slots.
func groupByExpert(old []task, r moe.Routing, experts int) []task {
	all := slices.Grow(old[:0], experts)[:experts]
	for e := range all {
		all[e] = task{expert: e, slots: all[e].slots[:0], tried: all[e].tried[:0]}
	}
	for slot, e := range r.Experts {
		all[e].slots = append(all[e].slots, int32(slot))
	}
	return all
}

// ranking orders replicas for one plan.
type ranking struct {
	suspected func(moe.NodeID) bool
	cost      func(moe.NodeID) float64 // of one more group on a node, in ns
	local     func(addr string) bool
	turn      uint64 // selects the two of many replicas that are compared
}

// pick chooses the replica of a task among those that were not tried:
// unsuspected before suspected, then the cheaper of two, then one on this host,
// then by the placement's order. It compares two and not all: routers that all
// pick the best node overload it together. Source: Mitzenmacher, "The power of
// two choices in randomized load balancing" (2001). ok is false when every
// replica was tried.
func (c ranking) pick(list []moe.Replica, tried []moe.NodeID) (to moe.Replica, ok bool) {
	var room [8]moe.Replica // on the stack; more replicas than usual
	fit := room[:0]
	for _, suspected := range []bool{false, true} {
		for _, r := range list {
			if !slices.Contains(tried, r.Node) && c.suspected(r.Node) == suspected {
				fit = append(fit, r)
			}
		}
		if len(fit) > 0 {
			break
		}
	}
	switch len(fit) {
	case 0:
		return moe.Replica{}, false
	case 1:
		return fit[0], true
	}
	a, b := c.pair(len(fit))
	ca, cb := c.cost(fit[a].Node), c.cost(fit[b].Node)
	if cb < ca || (cb == ca && c.local(fit[b].Addr) && !c.local(fit[a].Addr)) {
		return fit[b], true
	}
	return fit[a], true
}

// pair is two different indices below n, the smaller first. Over n*(n-1)
// consecutive turns all pairs come up.
func (c ranking) pair(n int) (int, int) {
	if n == 2 {
		return 0, 1
	}
	a := int(c.turn % uint64(n))
	b := (a + 1 + int(c.turn/uint64(n))%(n-1)) % n
	return min(a, b), max(a, b)
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
