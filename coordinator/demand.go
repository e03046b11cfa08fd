package coordinator

import (
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	// utilizationTarget is the share of time that a node may compute: the rest is for
	// bursts, and for the experts of a node that dies.
	utilizationTarget = 0.7
	// utilizationFloor is the share below which a node too many is given back. It is
	// below the target, so that a load at a threshold does not add and remove a node in
	// turns.
	utilizationFloor = 0.6
)

// demand is how many nodes a cluster needs over time. It rises at once. It falls when
// less was needed for patience without a break, and then to the most that was needed
// meanwhile. A new leader has measured nothing yet: it begins with the nodes that
// there are. It is pure.
type demand struct {
	patience time.Duration
	nodes    int       // 0 before the first observation
	less     time.Time // since when fewer nodes do; zero when they do not
	most     int       // that were needed since
}

// observe takes the nodes that are needed at the target, and at the floor: at least
// as many.
func (d *demand) observe(present, atTarget, atFloor int, now time.Time) {
	if d.nodes == 0 {
		d.nodes = present
	}
	switch {
	case atTarget > d.nodes:
		d.nodes, d.less = atTarget, time.Time{}
	case atFloor >= d.nodes:
		d.less = time.Time{}
	case d.less.IsZero():
		d.less, d.most = now, atFloor
	default:
		d.most = max(d.most, atFloor)
		if now.Sub(d.less) >= d.patience {
			d.nodes, d.less = d.most, time.Time{}
		}
	}
}

// needed is how many nodes of the present mean speed and memory a cluster needs:
//
//	max(load, memory, replicas)
//	load   = ceil(sum over nodes of the share of time computed / utilization)
//	memory = ceil(copies / mean capacity), in experts; 0 when a node has no limit
//
// A cluster that is overloaded shows no share above 1, so that its need grows step
// by step, each by the factor 1 / utilization.
func needed(nodes []planner.Node, busy, utilization float64, copies, replicas int) int {
	capacity, load := 0, int(math.Ceil(busy/utilization))
	for _, n := range nodes {
		if n.Capacity <= 0 {
			return max(load, replicas, 1)
		}
		capacity += n.Capacity
	}
	memory := 0
	if capacity > 0 {
		memory = int(math.Ceil(float64(copies) * float64(len(nodes)) / float64(capacity)))
	}
	return max(load, memory, replicas, 1)
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
