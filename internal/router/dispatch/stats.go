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
	Rows             uint64 // rows sent, (row, expert) pairs; again when they are sent again
	Hedges           uint64 // late calls in whose case another replica was asked
	HedgedRows       uint64
	HedgesWon        uint64 // hedges that brought the last of their rows
	LocalHealthScore int    // above 0 this process itself runs late; 0 to 4
}

// Stats returns a snapshot.
func (d *Dispatcher) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.book.stats
	s.LocalHealthScore = d.book.aware.score
	return s
}

// NodeStats is what a router has seen of one node since the start.
type NodeStats struct {
	Node       moe.NodeID
	Suspected  bool      // now
	Suspicions uint64    // times it was put last
	Failovers  uint64    // calls whose rows were sent elsewhere
	Answered   Histogram // calls, from their start to their reply
}

// Nodes returns a snapshot of every node that was ever called or accused, by
// name.
func (d *Dispatcher) Nodes() []NodeStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	out := make([]NodeStats, 0, len(d.book.records))
	for node, r := range d.book.records {
		s := r.stats
		s.Node, s.Suspected = node, d.book.suspects.has(node, now)
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
// bound before; what exceeds all bounds is in Count alone.
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
