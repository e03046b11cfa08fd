package dispatch

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

const (
	windowSize = 256
	// enough is how many samples make a quantile worth acting on.
	enough = 16
	// commonDelays of the last 64 calls are no outliers: the node has become
	// slower, and its delayed calls count from then on.
	commonDelays = 16
	// rowBuckets group calls by size: bucket b holds 2^(b-1)+1 to 2^b rows.
	rowBuckets = 12
)

// window is the latency of a node's last undelayed calls of about one size.
type window struct {
	samples [windowSize]time.Duration
	count   int    // samples ever taken
	delays  uint64 // one bit per recent call: it was delayed

	p50, p99 time.Duration // of the samples, renewed every few of them
	fresh    int           // count when they were computed
}

// observe takes a finished call. A delayed one is an outlier and left out,
// unless delays have become common.
func (w *window) observe(took time.Duration, delayed bool) {
	w.delays <<= 1
	if delayed {
		w.delays |= 1
		if bits.OnesCount64(w.delays) < commonDelays {
			return
		}
	}
	w.samples[w.count%windowSize] = took
	w.count++
	if w.count >= enough && w.count-w.fresh >= min(w.count/4, enough) {
		w.renew()
	}
}

func (w *window) renew() {
	sorted := w.samples
	known := sorted[:min(w.count, windowSize)]
	slices.Sort(known)
	w.p50, w.p99 = known[len(known)/2], known[(99*len(known)+99)/100-1]
	w.fresh = w.count
}

// patience is max(2 x p50, p99): how long an undelayed call takes at most; 0
// when too few were seen.
func (w *window) patience() time.Duration {
	if w.count < enough {
		return 0
	}
	return max(2*w.p50, w.p99)
}

func bucketOf(rows int) int { return min(bits.Len(uint(max(1, rows)-1)), rowBuckets-1) }

// record is what a router has learned about one node.
type record struct {
	groups  int     // expert groups in flight
	strikes int     // calls in a row that were overtaken
	perUnit float64 // ns one group takes in queue and kernel, moving average
	travel  float64 // ns of a call beyond that, moving average
	seen    time.Time
	windows [rowBuckets]window
	stats   NodeStats
}

const (
	// learn is the weight of a new sample in the moving averages, at least.
	learn = 0.125
	// halfLife is how soon half of what was learned of a node is forgotten when
	// it answers nothing: a node that was slow once and is not asked for that
	// would stay slow for ever.
	halfLife = 250 * time.Millisecond
)

// memory is how much of what was learned still counts, 0 to 1.
func (r *record) memory(now time.Time) float64 {
	return math.Exp2(-float64(now.Sub(r.seen)) / float64(halfLife))
}

// observe takes a reply.
func (r *record) observe(now time.Time, rows, groups int, took, busy time.Duration, delayed bool) {
	r.windows[bucketOf(rows)].observe(took, delayed)
	unit, travel := float64(busy)/float64(max(1, groups)), float64(max(0, took-busy))
	weight := max(learn, 1-r.memory(now))
	r.perUnit += weight * (unit - r.perUnit)
	r.travel += weight * (travel - r.travel)
	r.seen = now
}

// cost estimates when a further groups would be answered, in ns from now. A
// node nobody knows costs nothing: it gets asked, and then it is known. One that
// has been idle is known less and less; one group of a plan is enough to learn
// it anew.
func (r *record) cost(now time.Time, groups int) float64 {
	cost := r.travel + r.perUnit*float64(r.groups+groups)
	if r.groups == 0 {
		cost *= r.memory(now)
	}
	return cost
}

// patience is how long an undelayed call of a size takes at most, from the
// nearest size that was seen often enough, scaled up for larger ones; 0 when
// none was.
func (r *record) patience(rows int) time.Duration {
	at := bucketOf(rows)
	if p := r.windows[at].patience(); p > 0 {
		return p
	}
	for b := at + 1; b < rowBuckets; b++ {
		if p := r.windows[b].patience(); p > 0 {
			return p
		}
	}
	for b := at - 1; b >= 0; b-- {
		if p := r.windows[b].patience(); p > 0 {
			return p << (at - b)
		}
	}
	return 0
}
