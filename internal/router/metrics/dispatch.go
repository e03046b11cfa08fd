package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/moe"
)

// Dispatcher counts expert calls: dispatch.Dispatcher.
type Dispatcher interface {
	Placement() *moe.Placement
	Stats() dispatch.Stats
	Nodes() []dispatch.NodeStats
}

// calls collects what the dispatcher counts about expert calls.
type calls struct{ d Dispatcher }

// Dispatch collects the counts of expert calls, and the placement in use.
func Dispatch(d Dispatcher) prometheus.Collector { return calls{d} }

// counts are metrics that are read off the dispatcher's counts.
var counts = []struct {
	metric.Definition
	of func(dispatch.Stats) uint64
}{
	{metric.ExpertCalls, func(s dispatch.Stats) uint64 { return s.Calls }},
	{metric.SentRows, func(s dispatch.Stats) uint64 { return s.Rows }},
	{metric.Hedges, func(s dispatch.Stats) uint64 { return s.Hedges }},
	{metric.HedgedRows, func(s dispatch.Stats) uint64 { return s.HedgedRows }},
	{metric.HedgesWon, func(s dispatch.Stats) uint64 { return s.HedgesWon }},
	{metric.LocalHealth, func(s dispatch.Stats) uint64 { return uint64(s.LocalHealthScore) }},
}

// Describe implements prometheus.Collector.
func (c calls) Describe(out chan<- *prometheus.Desc) {
	for _, r := range counts {
		out <- r.Desc()
	}
	for _, d := range []metric.Definition{metric.NodeSuspected, metric.Suspicions, metric.Failovers, metric.CallTime, metric.PlacementEpoch} {
		out <- d.Desc()
	}
}

// Collect implements prometheus.Collector.
func (c calls) Collect(out chan<- prometheus.Metric) {
	s := c.d.Stats()
	for _, r := range counts {
		out <- r.Const(float64(r.of(s)))
	}
	if p := c.d.Placement(); p != nil {
		out <- metric.PlacementEpoch.Const(float64(p.Epoch()))
	}
	for _, n := range c.d.Nodes() {
		node, suspected := string(n.Node), 0.0
		if n.Suspected {
			suspected = 1
		}
		out <- metric.NodeSuspected.Const(suspected, node)
		out <- metric.Suspicions.Const(float64(n.Suspicions), node)
		out <- metric.Failovers.Const(float64(n.Failovers), node)
		out <- answered(n)
	}
}

// answered is a node's histogram, whose buckets Prometheus wants cumulative.
func answered(n dispatch.NodeStats) prometheus.Metric {
	buckets, below := map[float64]uint64{}, uint64(0)
	for i, bound := range dispatch.Bounds {
		below += n.Answered.Buckets[i]
		buckets[bound.Seconds()] = below
	}
	return prometheus.MustNewConstHistogram(metric.CallTime.Desc(), n.Answered.Count, n.Answered.Sum.Seconds(), buckets, string(n.Node))
}
