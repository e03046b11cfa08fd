package cell

import (
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// SumUp makes the medians.
func (c *Cell) SumUp() {
	of := func(f func(Round) float64) float64 {
		all := make([]float64, len(c.Rounds))
		for i, r := range c.Rounds {
			all[i] = f(r)
		}
		return measure.Median(all)
	}
	latency := func(f func(Round) measure.Latency) measure.Latency {
		values := make([]measure.Latency, len(c.Rounds))
		for i, r := range c.Rounds {
			values[i] = f(r)
		}
		return measure.MedianLatency(values)
	}
	c.Result = Result{
		Limits: Limits{
			of(func(r Round) float64 { return r.Limits.Stream }), of(func(r Round) float64 { return r.Limits.CoreStream }), of(func(r Round) float64 { return r.Limits.FMA }),
		},
		Throughput: of(func(r Round) float64 { return r.Throughput }),
		First:      latency(func(r Round) measure.Latency { return r.First }), Gap: latency(func(r Round) measure.Latency { return r.Gap }),
		Total: latency(func(r Round) measure.Latency { return r.Total }), Stall: c.stall(),
	}
}

// stall are the percentiles of the stalls of all rounds.
func (c *Cell) stall() measure.Latency {
	var all []time.Duration
	for _, r := range c.Rounds {
		for _, ms := range r.Stalls {
			all = append(all, measure.FromMilliseconds(ms))
		}
	}
	return measure.LatencyOf(all)
}
