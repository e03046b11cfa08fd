package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/coordinator"
	"github.com/hachi-serve/hachi/internal/metric"
)

// coordinatorMetrics are what a coordinator knows of the cluster. Only the leader
// has the gauges of the cluster: a sum over all coordinators is right.
type coordinatorMetrics struct {
	coordinator *coordinator.Coordinator
}

// Describe implements prometheus.Collector.
func (m coordinatorMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []metric.Definition{metric.Leading, metric.NodesKnown, metric.NodesNeeded, metric.BusyNodes, metric.Degraded} {
		out <- d.Desc()
	}
}

// Collect implements prometheus.Collector.
func (m coordinatorMetrics) Collect(out chan<- prometheus.Metric) {
	seen := m.coordinator.Leading()
	if seen == nil {
		out <- metric.Leading.Const(0)
		return
	}
	out <- metric.Leading.Const(1)
	out <- metric.NodesKnown.Const(float64(len(seen.GetNodes())))
	out <- metric.NodesNeeded.Const(float64(seen.GetNodesNeeded()))
	out <- metric.BusyNodes.Const(seen.GetBusyNodes())
	degraded := 0.0
	if seen.GetDegraded() != "" {
		degraded = 1
	}
	out <- metric.Degraded.Const(degraded)
}
