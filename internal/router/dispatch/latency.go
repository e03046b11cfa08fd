package dispatch

import (
	"math"
	"math/bits"
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

// window is the latency of a node's last undelayed calls of about one size. It fills one
// line of the cache, without the memory of its samples: a plan looks at wait, and the reply
// that follows finds the line.
type window struct {
	delays  uint64 // one bit per recent call: it was delayed
	known   uint16 // samples, at most windowSize
	next    uint8  // the oldest of them, which the next one replaces
	newer   uint8  // samples since patience was computed, which looks at all
	waiting uint8  // samples that are not in memory yet: the last ones of recent
	recent  [8]float32
	wait    time.Duration        // what all say, patience; 0 with fewer than minSamples
	memory  *[windowSize]float32 // ns
}

// observe takes a finished call. A delayed one is left out as an outlier, unless
// delays have become common: a few stalls must not raise the patience that is
// there to notice them. It reports whether it is time to renew what the samples say.
func (w *window) observe(took time.Duration, delayed bool) (renewed bool) {
	w.delays <<= 1
	if delayed {
		w.delays |= 1
		if bits.OnesCount64(w.delays) < commonDelays {
			return false
		}
	}
	w.recent[w.waiting] = float32(took)
	w.waiting++
	w.newer++
	known := min(int(w.known)+int(w.waiting), windowSize)
	renewed = known >= minSamples && int(w.newer) >= min(known/4, minSamples)
	if renewed || int(w.waiting) == len(w.recent) {
		w.store()
	}
	if renewed {
		w.newer = 0
	}
	return renewed
}

// store moves the recent samples to the memory of all.
func (w *window) store() {
	if w.memory == nil {
		w.memory = new([windowSize]float32)
	}
	for _, took := range w.recent[:w.waiting] {
		w.memory[w.next] = took
		w.next++ // windowSize is that of its type
	}
	w.known, w.waiting = min(w.known+uint16(w.waiting), windowSize), 0
}

// patience is how long an undelayed call takes at most, max(2 x p50, p99): 2 x p50 keeps a
// very regular node, whose p99 is near its p50, from being hedged for noise.
func (w *window) patience() time.Duration {
	p50, p99 := w.quantiles()
	return max(2*p50, p99)
}

// quantiles are those of the samples in memory, of which there are some.
func (w *window) quantiles() (p50, p99 time.Duration) {
	copied := *w.memory
	known := copied[:w.known]
	half := len(known) / 2
	p50 = time.Duration(nth(known, half))
	return p50, time.Duration(nth(known[half:], (99*len(known)+99)/100-1-half))
}

// nth is the element that sorting would put at an index. It moves the elements: those
// before the index are not above it, those after not below. Source: Hoare, "Algorithm 65:
// Find" (1961).
func nth(v []float32, at int) float32 {
	for lo, hi := 0, len(v)-1; lo < hi; {
		pivot, i, j := v[(lo+hi)/2], lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case at <= j:
			hi = j
		case at >= i:
			lo = i
		default:
			return v[at]
		}
	}
	return v[at]
}

func bucketOf(rows int) int { return min(bits.Len(uint(max(1, rows)-1)), rowBuckets-1) }

// record is what a router has measured of one node. What a plan looks at fills one line of
// the cache, and the records of all nodes lie one after another: of a thousand nodes each
// has left the cache when the next plan comes.
type record struct {
	groups    int           // expert groups in flight
	turn      uint32        // of the last plan that chose the node,
	place     uint32        // and of its attempt in layerRun.planned
	perGroup  float64       // ns one group takes in queue and kernel, moving average
	travel    float64       // ns of a call beyond that, moving average
	seen      time.Duration // last reply, as nodeTracker.since; 0 is never
	suspected *suspicion    // nil is not
	overtaken int           // late calls in a row that others overtook
	*measured
}

// measured is the part of a record that a call looks at, and not a plan. A reply touches
// one line of windows and the first of stats.
type measured struct {
	windows [rowBuckets]window
	stats   NodeStats
	own     [rowBuckets]time.Duration // window.wait of each, together in one line for record.patience
	// waits are record.patience of each size; nodeTracker.sample keeps them.
	waits [rowBuckets]time.Duration
}

// called reports that the node was ever called or suspected, and not only named.
func (r *record) called() bool {
	return r.groups > 0 || r.stats.Answered.Count > 0 || r.stats.Failovers > 0 || r.stats.Suspicions > 0 || r.suspected != nil
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
func (r *record) confidence(now time.Duration) float64 {
	return math.Exp2(-float64(now-r.seen) / float64(halfLife))
}

// observe takes where the time of an answered call went.
func (r *record) observe(now time.Duration, groups int, took, busy time.Duration) {
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
func (r *record) cost(now time.Duration, groups int) float64 {
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
	if p := r.own[at]; p > 0 {
		return p
	}
	for b := at + 1; b < rowBuckets; b++ {
		if p := r.own[b]; p > 0 {
			return p
		}
	}
	for b := at - 1; b >= 0; b-- {
		if p := r.own[b]; p > 0 {
			return p << (at - b)
		}
	}
	return 0
}
