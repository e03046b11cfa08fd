package dispatch

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

const (
	windowSize = 256
	// minSamples is the smallest number of samples whose quantiles are used.
	minSamples = 16
	// commonDelays or more delayed calls among the last 64 are no outliers: the
	// node has become slower, and its delayed calls are samples from then on.
	commonDelays = 16
	// rowBuckets group calls by size: bucket b holds 2^(b-1)+1 to 2^b rows.
	rowBuckets = 12
)

// window is the latency of a node's last undelayed calls of about one size.
type window struct {
	samples [windowSize]time.Duration
	count   int    // samples ever taken
	delays  uint64 // one bit per recent call: it was delayed

	p50, p99 time.Duration // of the samples; renewed every few, since it sorts them
	fresh    int           // count when they were computed
}

// observe takes a finished call. A delayed one is left out as an outlier, unless
// delays have become common: a few stalls must not raise the patience that is
// there to notice them. It reports whether it has renewed the quantiles.
func (w *window) observe(took time.Duration, delayed bool) (renewed bool) {
	w.delays <<= 1
	if delayed {
		w.delays |= 1
		if bits.OnesCount64(w.delays) < commonDelays {
			return false
		}
	}
	w.samples[w.count%windowSize] = took
	w.count++
	if renewed = w.count >= minSamples && w.count-w.fresh >= min(w.count/4, minSamples); renewed {
		w.renew()
	}
	return renewed
}

func (w *window) renew() {
	sorted := w.samples
	known := sorted[:min(w.count, windowSize)]
	slices.Sort(known)
	w.p50, w.p99 = known[len(known)/2], known[(99*len(known)+99)/100-1]
	w.fresh = w.count
}

// patience = max(2 x p50, p99), how long an undelayed call takes at most; 0 with
// fewer than minSamples samples. 2 x p50 keeps a very regular node, whose p99 is
// near its p50, from being hedged for noise.
func (w *window) patience() time.Duration {
	if w.count < minSamples {
		return 0
	}
	return max(2*w.p50, w.p99)
}

func bucketOf(rows int) int { return min(bits.Len(uint(max(1, rows)-1)), rowBuckets-1) }

// record is what a router has measured of one node.
type record struct {
	groups    int       // expert groups in flight
	overtaken int       // late calls in a row that others overtook
	perGroup  float64   // ns one group takes in queue and kernel, moving average
	travel    float64   // ns of a call beyond that, moving average
	seen      time.Time // last reply
	windows   [rowBuckets]window
	patient   [rowBuckets]time.Duration // patience, by bucket; nodeTracker.sample keeps it
	stats     NodeStats
}

const (
	// minWeight is the smallest weight of a new sample in the moving averages.
	minWeight = 0.125
	// halfLife is after how long without a reply the measurements of a node count
	// half. A node that was slow once gets no calls that could show otherwise: it
	// would stay slow in the records without this.
	halfLife = 250 * time.Millisecond
)

// confidence is how much the measurements still count, 0 to 1.
func (r *record) confidence(now time.Time) float64 {
	return math.Exp2(-float64(now.Sub(r.seen)) / float64(halfLife))
}

// observe takes where the time of an answered call went.
func (r *record) observe(now time.Time, groups int, took, busy time.Duration) {
	unit, travel := float64(busy)/float64(max(1, groups)), float64(max(0, took-busy))
	weight := max(minWeight, 1-r.confidence(now))
	r.perGroup += weight * (unit - r.perGroup)
	r.travel += weight * (travel - r.travel)
	r.seen = now
}

// cost estimates how long from now more groups would be answered, in ns. An
// unmeasured node has cost 0, so it is tried first and gets measured. The cost of
// an idle node falls with confidence, so it is tried again; one group in flight
// restores the measured cost, so a single call explores it.
func (r *record) cost(now time.Time, groups int) float64 {
	cost := r.travel + r.perGroup*float64(r.groups+groups)
	if r.groups == 0 {
		cost *= r.confidence(now)
	}
	return cost
}

// patience is how long an undelayed call of a bucket takes at most: that of its own
// bucket if it has minSamples samples, else of the next larger bucket that has, else
// of the next smaller one, doubled per bucket between them; 0 if none has.
func (r *record) patience(at int) time.Duration {
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
