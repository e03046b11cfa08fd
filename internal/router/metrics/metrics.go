package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/hachi-serve/hachi/internal/histograms"
	"github.com/hachi-serve/hachi/internal/metric"
)

// Metrics are the histograms of a router, and the registry of its collectors.
type Metrics struct {
	*histograms.Requests
	registry *prometheus.Registry
	queue    prometheus.Histogram
	step     prometheus.Histogram
	rows     prometheus.Histogram
}

// New makes empty metrics.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Requests = histograms.New(m.registry)
	m.queue = metric.QueueTime.NewHistogram(m.registry, histograms.Seconds)
	m.step = metric.StepTime.NewHistogram(m.registry, histograms.Seconds)
	m.rows = metric.StepRows.NewHistogram(m.registry, prometheus.ExponentialBuckets(1, 2, 10))
	return m
}

// Collect adds collectors; one that is there already is an error of the program.
func (m *Metrics) Collect(all ...prometheus.Collector) { m.registry.MustRegister(all...) }

// Step observes a committed step.
func (m *Metrics) Step(rows int, took time.Duration) {
	m.step.Observe(took.Seconds())
	m.rows.Observe(float64(rows))
}

// Queued observes how long a sequence waited for its first rows. trace is that of its
// request, as histograms.Observe takes it.
func (m *Metrics) Queued(wait time.Duration, trace string) { histograms.Observe(m.queue, wait, trace) }

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return histograms.Handler(m.registry)
}
