package journal

import (
	"math"
	"slices"
	"time"
)

// Bounds of Latencies: from 0.5 ms, each a quarter longer than the one before, up to
// a minute.
const (
	shortest = 500 * time.Microsecond
	growth   = 1.25
	buckets  = 54
)

// Latencies counts durations by their length. Bucket i has those up to Bound(i) and
// above the bound before; the last has all longer ones.
type Latencies [buckets]uint64

// Bound is the longest duration of a bucket.
func Bound(bucket int) time.Duration {
	return time.Duration(float64(shortest) * math.Pow(growth, float64(bucket)))
}

// Observe counts n durations of one length.
func (l *Latencies) Observe(took time.Duration, n int) {
	bucket := 0
	if took > shortest {
		bucket = int(math.Ceil(math.Log(float64(took)/float64(shortest)) / math.Log(growth)))
	}
	l[min(bucket, buckets-1)] += uint64(n)
}

// Since is what was counted after an earlier count of the same process. The count of
// a process that has started again is its own.
func (l Latencies) Since(before Latencies) Latencies {
	out := l
	for i, n := range before {
		if n > l[i] {
			return l
		}
		out[i] -= n
	}
	return out
}

// Plus adds two counts.
func (l Latencies) Plus(other Latencies) Latencies {
	for i, n := range other {
		l[i] += n
	}
	return l
}

// Quantile is the bound of the bucket that has the quantile q of all durations, 0 to
// 1; 0 without any.
func (l Latencies) Quantile(q float64) time.Duration {
	total := uint64(0)
	for _, n := range l {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
	for i, n := range l {
		if seen += n; seen >= rank && n > 0 {
			return Bound(i)
		}
	}
	return Bound(buckets - 1)
}

// Counts is a copy without the empty buckets at its end; FromCounts is its inverse.
func (l Latencies) Counts() []uint64 {
	out := slices.Clone(l[:])
	for len(out) > 0 && out[len(out)-1] == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// FromCounts reads what Counts has written. Buckets that this version does not know
// count as the longest.
func FromCounts(counts []uint64) (l Latencies) {
	for i, n := range counts {
		l[min(i, buckets-1)] += n
	}
	return l
}
