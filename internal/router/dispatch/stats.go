package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// Stats counts since the start.
type Stats struct {
	Calls            uint64 // calls sent, hedges among them
	Rows             uint64 // (row, expert) pairs sent; once more for every hedge and failover
	Hedges           uint64 // calls that were hedged
	HedgedRows       uint64
	HedgesWon        uint64 // hedges that finished before the original
	LocalHealthScore int    // above 0 this process itself runs late; 0 to 4
}

// Stats returns a snapshot.
func (d *Dispatcher) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.nodes.stats
	s.LocalHealthScore = d.nodes.health.score
	return s
}

// NodeStats counts the calls of this router to one node since the start.
type NodeStats struct {
	Bytes      uint64    // of the rows of answered calls, in both directions
	Answered   Histogram // calls, from their start to their reply
	Node       moe.NodeID
	Suspected  bool   // now
	Suspicions uint64 // times it was suspected
	Failovers  uint64 // calls whose rows were sent to another replica
	HedgesWon  uint64 // hedges that this node answered before the original
}

// Nodes returns a snapshot of every node that was ever called or suspected, by
// name.
func (d *Dispatcher) Nodes() []NodeStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	out := make([]NodeStats, 0, len(d.nodes.records))
	for node, r := range d.nodes.records {
		if !r.called() {
			continue
		}
		s := r.stats
		s.Node, s.Suspected = node, r.suspected.has(now)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b NodeStats) int { return cmp.Compare(a.Node, b.Node) })
	return out
}

const us, ms = time.Microsecond, time.Millisecond

// Bounds divide the durations of a Histogram.
var Bounds = [...]time.Duration{
	50 * us, 100 * us, 250 * us, 500 * us, 1 * ms, 2500 * us, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, time.Second, 2500 * ms,
}

// Histogram counts durations. Bucket i has those up to Bounds[i] and above the
// bound before; longer ones are in Count and Sum only.
type Histogram struct {
	Count   uint64
	Sum     time.Duration
	Buckets [len(Bounds)]uint64
}

func (h *Histogram) observe(took time.Duration) {
	h.Count++
	h.Sum += took
	if i, _ := slices.BinarySearch(Bounds[:], took); i < len(Bounds) {
		h.Buckets[i]++
	}
}
