package metrics

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/moe"
)

// descRows is made once: there is a counter for each expert.
var descRows = metric.ExpertRows.Desc()

// experts collects one counter per expert, or those of the busiest only.
type experts struct {
	counts   func() []uint64
	topology moe.Topology
	top      int
}

// Experts collects the rows sent to each expert, counts()[topology.Index(id)].
// With top above 0 it shows the top experts by rows: a counter that leaves them
// and comes back has lost nothing.
func Experts(counts func() []uint64, topology moe.Topology, top int) prometheus.Collector {
	return experts{counts, topology, top}
}

// Describe implements prometheus.Collector.
func (e experts) Describe(out chan<- *prometheus.Desc) { out <- descRows }

// Collect implements prometheus.Collector.
func (e experts) Collect(out chan<- prometheus.Metric) {
	counts := e.counts()
	for _, i := range busiest(counts, e.top) {
		id := e.topology.ID(i)
		out <- prometheus.MustNewConstMetric(descRows, prometheus.CounterValue, float64(counts[i]), strconv.Itoa(id.Layer), strconv.Itoa(id.Expert))
	}
}

// busiest are the indexes of the top counts, equal counts in their order; of all
// counts if top is 0.
func busiest(counts []uint64, top int) []int {
	order := make([]int, len(counts))
	for i := range order {
		order[i] = i
	}
	if top <= 0 || top >= len(order) {
		return order
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
	return order[:top]
}
