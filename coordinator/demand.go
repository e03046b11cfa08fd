package coordinator

import (
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// utilizationTarget is the share of time that a node may compute: the rest is for
// bursts, and for the experts of a node that dies.
const utilizationTarget = 0.7

// needed is how many nodes of the present mean speed and memory a cluster needs:
//
//	max(load, memory, replicas)
//	load   = ceil(sum over nodes of the share of time computed / utilizationTarget)
//	memory = ceil(copies / mean capacity), in experts; 0 when a node has no limit
//
// A cluster that is overloaded shows no share above 1, so that its need grows step
// by step, each by the factor 1 / utilizationTarget.
func needed(nodes []planner.Node, busy float64, copies, replicas int) int {
	capacity := 0
	for _, n := range nodes {
		if n.Capacity <= 0 {
			return max(int(math.Ceil(busy/utilizationTarget)), replicas, 1)
		}
		capacity += n.Capacity
	}
	memory := 0
	if capacity > 0 {
		memory = int(math.Ceil(float64(copies) * float64(len(nodes)) / float64(capacity)))
	}
	return max(int(math.Ceil(busy/utilizationTarget)), memory, replicas, 1)
}

// timesheet knows how long nodes have computed, over a sliding window. It is pure.
type timesheet struct {
	window time.Duration
	nodes  map[moe.NodeID][]entry // oldest first
}

// entry is what a run of a node has reported at a time.
type entry struct {
	at      time.Time
	started int64
	busy    float64 // seconds since it started
}

// observe takes the records of all nodes. It keeps a dozen entries a node: the last
// one before the window, and those in it that are a twelfth of it apart. A node that
// has restarted begins again.
func (t *timesheet) observe(records []*hachiv1.NodeRecord, now time.Time) {
	seen := map[moe.NodeID][]entry{}
	for _, r := range records {
		id, e := moe.NodeID(r.GetNodeId()), entry{now, r.GetStartedUnixNano(), r.GetBusySeconds()}
		old := t.nodes[id]
		if n := len(old); n > 0 && (old[n-1].started != e.started || e.busy < old[n-1].busy) {
			old = nil
		}
		if n := len(old); n == 0 || now.Sub(old[n-1].at) >= t.window/12 {
			old = append(old, e)
		}
		for len(old) > 1 && now.Sub(old[1].at) >= t.window {
			old = old[1:]
		}
		seen[id] = old
	}
	t.nodes = seen
}

// busy sums over the nodes the share of time that they have computed lately.
func (t *timesheet) busy() float64 {
	sum := 0.0
	for _, entries := range t.nodes {
		first, last := entries[0], entries[len(entries)-1]
		if span := last.at.Sub(first.at).Seconds(); span > 0 {
			sum += min(1, (last.busy-first.busy)/span)
		}
	}
	return sum
}
