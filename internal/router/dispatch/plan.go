package dispatch

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// task is the work of one expert: the slots (row*K+k) of the routing that
// chose it, ascending.
type task struct {
	expert int
	slots  []int32
	tried  []moe.NodeID // nodes that were asked
	live   int          // attempts in flight
	done   bool         // its rows have arrived
	last   error        // why the last attempt failed
}

// tasks groups a routing by expert, ascending. They reuse the memory of old.
func tasks(old []task, r moe.Routing, experts int) []task {
	all := slices.Grow(old[:0], experts)[:experts]
	for e := range all {
		all[e] = task{expert: e, slots: all[e].slots[:0], tried: all[e].tried[:0]}
	}
	for slot, e := range r.Experts {
		all[e].slots = append(all[e].slots, int32(slot))
	}
	return all
}

// choices ranks replicas for one plan.
type choices struct {
	suspected func(moe.NodeID) bool
	// cost of asking a node for one more group, in ns.
	cost  func(moe.NodeID) float64
	local func(addr string) bool
	turn  uint64 // which two of many are compared
}

// pick chooses the replica of a task: one that was not asked yet, unsuspected
// before suspected; of these the cheaper of two, where equals go to this host
// first and then by the placement's order. Source: Mitzenmacher, "The power of
// two choices in randomized load balancing" (2001). With every replica asked
// there is none.
func (c choices) pick(list []moe.Replica, tried []moe.NodeID) (moe.Replica, bool) {
	var room [8]moe.Replica // more than there are replicas, as a rule
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

// pair is two different places below n, the smaller first.
func (c choices) pair(n int) (int, int) {
	if n == 2 {
		return 0, 1
	}
	a := int(c.turn % uint64(n))
	b := (a + 1 + int(c.turn/uint64(n))%(n-1)) % n
	return min(a, b), max(a, b)
}
