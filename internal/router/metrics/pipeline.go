package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// overlap collects how the last step was split, and why.
type overlap struct{ decision func() pipeline.Decision }

// MicroBatches collects the last decision on micro-batches.
func MicroBatches(decision func() pipeline.Decision) prometheus.Collector { return overlap{decision} }

// Describe implements prometheus.Collector.
func (o overlap) Describe(out chan<- *prometheus.Desc) {
	out <- metric.MicroBatches.Desc()
	out <- metric.LayerTime.Desc()
}

// Collect implements prometheus.Collector.
func (o overlap) Collect(out chan<- prometheus.Metric) {
	c := o.decision()
	out <- metric.MicroBatches.Const(float64(c.MicroBatches))
	for part, took := range map[string]float64{"attention": c.Attention.Seconds(), "experts": c.Experts.Seconds(), "layer": c.Layer.Seconds()} {
		out <- metric.LayerTime.Const(took, part)
	}
}
