package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// overlap collects how the last step was split, and why.
type overlap struct{ decision func() pipeline.Decision }

// MicroBatches collects the last decision on micro-batches.
func MicroBatches(decision func() pipeline.Decision) prometheus.Collector { return overlap{decision} }

var (
	descParts = prometheus.NewDesc("hachi_micro_batches", "Micro-batches of the last step.", nil, nil)
	descLayer = prometheus.NewDesc("hachi_layer_predicted_seconds",
		"What the last decision on micro-batches was based on: predicted time of one layer's attention, of its experts, and of the layer as split; 0 before enough was measured.",
		[]string{"part"}, nil)
)

// Describe implements prometheus.Collector.
func (o overlap) Describe(out chan<- *prometheus.Desc) {
	out <- descParts
	out <- descLayer
}

// Collect implements prometheus.Collector.
func (o overlap) Collect(out chan<- prometheus.Metric) {
	c := o.decision()
	out <- prometheus.MustNewConstMetric(descParts, prometheus.GaugeValue, float64(c.MicroBatches))
	for part, took := range map[string]float64{"attention": c.Attention.Seconds(), "experts": c.Experts.Seconds(), "layer": c.Layer.Seconds()} {
		out <- prometheus.MustNewConstMetric(descLayer, prometheus.GaugeValue, took, part)
	}
}
