package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/metric"
)

// nodeMetrics are what an expert node holds and has computed.
type nodeMetrics struct{ node *expertnode.Node }

// nodeReadings are metrics that are read off a node's counts.
var nodeReadings = []struct {
	metric.Definition
	of func(expertnode.Stats) float64
}{
	{metric.NodeReady, func(s expertnode.Stats) float64 {
		if s.Ready {
			return 1
		}
		return 0
	}},
	{metric.NodeResident, func(s expertnode.Stats) float64 { return float64(s.Resident) }},
	{metric.NodeBytes, func(s expertnode.Stats) float64 { return float64(s.Bytes) }},
	{metric.NodeCapacity, func(s expertnode.Stats) float64 { return float64(s.Capacity) }},
	{metric.NodeRows, func(s expertnode.Stats) float64 { return float64(s.Rows) }},
	{metric.NodeBusy, func(s expertnode.Stats) float64 { return s.Busy.Seconds() }},
	{metric.NodeFetched, func(s expertnode.Stats) float64 { return float64(s.Fetched) }},
}

// Describe implements prometheus.Collector.
func (m nodeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, r := range nodeReadings {
		out <- r.Desc()
	}
}

// Collect implements prometheus.Collector.
func (m nodeMetrics) Collect(out chan<- prometheus.Metric) {
	s := m.node.Stats()
	for _, r := range nodeReadings {
		out <- r.Const(r.of(s))
	}
}
