package measure

import (
	"fmt"
	"slices"
	"time"
)

// Latency has percentiles of durations, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// LatencyOf sums up durations; all is 0 without any.
func LatencyOf(all []time.Duration) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(percent int) float64 { return Milliseconds(Percentile(sorted, percent)) }
	return Latency{P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// MedianLatency has the median of each percentile; all is 0 of none.
func MedianLatency(all []Latency) Latency {
	of := func(f func(Latency) float64) float64 {
		values := make([]float64, len(all))
		for i, l := range all {
			values[i] = f(l)
		}
		return Median(values)
	}
	return Latency{
		P50: of(func(l Latency) float64 { return l.P50 }), P90: of(func(l Latency) float64 { return l.P90 }),
		P99: of(func(l Latency) float64 { return l.P99 }), Max: of(func(l Latency) float64 { return l.Max }),
	}
}

// Percentile is the value of nearest rank: the smallest one that at least percent
// of the values, which are sorted, do not exceed.
func Percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// Milliseconds is a duration as reports have it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// FromMilliseconds is the inverse of Milliseconds.
func FromMilliseconds(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond))
}

// Beyond is by how much each duration exceeds a base, ascending; 0 for one that does not.
func Beyond(all []time.Duration, base time.Duration) []time.Duration {
	out := make([]time.Duration, len(all))
	for i, d := range all {
		out[i] = max(0, d-base)
	}
	slices.Sort(out)
	return out
}

// Cells are p50, p90 and p99 as cells of a row.
func (l Latency) Cells() string {
	return fmt.Sprintf("%s\t%s\t%s\t", cell(l.P50), cell(l.P90), cell(l.P99))
}

// cell has a tenth of a millisecond where that says something.
func cell(ms float64) string {
	switch {
	case ms >= 10_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}
