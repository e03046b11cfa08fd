package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

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

var (
	dispatched = []struct {
		desc *prometheus.Desc
		kind prometheus.ValueType
		of   func(dispatch.Stats) uint64
	}{
		{aboutCalls("calls_total", "Expert calls sent, hedges among them."), prometheus.CounterValue, func(s dispatch.Stats) uint64 { return s.Calls }},
		{aboutCalls("rows_total", "Rows sent, (row, expert) pairs; again when they are sent again."), prometheus.CounterValue, func(s dispatch.Stats) uint64 { return s.Rows }},
		{aboutCalls("hedges_total", "Calls that were hedged: their rows were also sent to another replica."), prometheus.CounterValue, func(s dispatch.Stats) uint64 { return s.Hedges }},
		{aboutCalls("hedged_rows_total", "Rows of hedges."), prometheus.CounterValue, func(s dispatch.Stats) uint64 { return s.HedgedRows }},
		{aboutCalls("hedges_won_total", "Hedged calls that finished before the original."), prometheus.CounterValue, func(s dispatch.Stats) uint64 { return s.HedgesWon }},
		{aboutCalls("local_health_score", "0 to 4: above 0 this router itself runs late, and suspects nodes later."), prometheus.GaugeValue, func(s dispatch.Stats) uint64 { return uint64(s.LocalHealthScore) }},
	}
	descSuspected  = aboutCalls("node_suspected", "1 while a node is suspected and comes last among replicas.", "node")
	descSuspicions = aboutCalls("suspicions_total", "Times a node was suspected: a call failed, was silent, or gossip reported it.", "node")
	descFailovers  = aboutCalls("failovers_total", "Calls to a node whose rows were sent to another replica.", "node")
	descAnswered   = aboutCalls("call_duration_seconds", "Answered calls to a node, from their start to their reply.", "node")
	descEpoch      = prometheus.NewDesc("hachi_placement_epoch", "Epoch of the placement in use.", nil, nil)
)

func aboutCalls(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hachi_dispatch_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c calls) Describe(out chan<- *prometheus.Desc) {
	for _, r := range dispatched {
		out <- r.desc
	}
	for _, d := range []*prometheus.Desc{descSuspected, descSuspicions, descFailovers, descAnswered, descEpoch} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c calls) Collect(out chan<- prometheus.Metric) {
	s := c.d.Stats()
	for _, r := range dispatched {
		out <- prometheus.MustNewConstMetric(r.desc, r.kind, float64(r.of(s)))
	}
	if p := c.d.Placement(); p != nil {
		out <- prometheus.MustNewConstMetric(descEpoch, prometheus.GaugeValue, float64(p.Epoch()))
	}
	for _, n := range c.d.Nodes() {
		node, suspected := string(n.Node), 0.0
		if n.Suspected {
			suspected = 1
		}
		out <- prometheus.MustNewConstMetric(descSuspected, prometheus.GaugeValue, suspected, node)
		out <- prometheus.MustNewConstMetric(descSuspicions, prometheus.CounterValue, float64(n.Suspicions), node)
		out <- prometheus.MustNewConstMetric(descFailovers, prometheus.CounterValue, float64(n.Failovers), node)
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
	return prometheus.MustNewConstHistogram(descAnswered, n.Answered.Count, n.Answered.Sum.Seconds(), buckets, string(n.Node))
}
