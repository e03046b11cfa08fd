package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/coordinator"
)

// coordinatorMetrics are what a coordinator knows of the cluster. Only the leader
// has the gauges of the cluster: a sum over all coordinators is right.
type coordinatorMetrics struct {
	coordinator *coordinator.Coordinator
}

var (
	leadingDesc = prometheus.NewDesc("hachi_coordinator_leading", "1 if this coordinator leads.", nil, nil)
	nodesDesc   = prometheus.NewDesc("hachi_coordinator_nodes", "Expert nodes that are registered.", nil, nil)
	neededDesc  = prometheus.NewDesc("hachi_coordinator_nodes_needed", "Expert nodes that the load, the memory and the replicas need.", nil, nil)
	busyDesc    = prometheus.NewDesc("hachi_coordinator_busy_nodes", "Share of time that expert nodes have computed lately, summed over the nodes.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m coordinatorMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{leadingDesc, nodesDesc, neededDesc, busyDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m coordinatorMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	seen := m.coordinator.Leading()
	if seen == nil {
		gauge(leadingDesc, 0)
		return
	}
	gauge(leadingDesc, 1)
	gauge(nodesDesc, float64(len(seen.GetNodes())))
	gauge(neededDesc, float64(seen.GetNodesNeeded()))
	gauge(busyDesc, seen.GetBusyNodes())
}
