package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hachi-serve/hachi/internal/histograms"
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
	m.queue = histograms.Histogram(m.registry, "hachi_request_queue_time_seconds", "From a sequence's admission to its first rows.", histograms.Seconds)
	m.step = histograms.Histogram(m.registry, "hachi_step_duration_seconds", "Committed steps.", histograms.Seconds)
	m.rows = histograms.Histogram(m.registry, "hachi_step_rows", "Rows of committed steps.", prometheus.ExponentialBuckets(1, 2, 10))
	return m
}

// Collect adds collectors; one that is there already is an error of the program.
func (m *Metrics) Collect(all ...prometheus.Collector) { m.registry.MustRegister(all...) }

// Step observes a committed step.
func (m *Metrics) Step(rows int, took time.Duration) {
	m.step.Observe(took.Seconds())
	m.rows.Observe(float64(rows))
}

// Queued observes how long a sequence waited for its first rows.
func (m *Metrics) Queued(wait time.Duration) { m.queue.Observe(wait.Seconds()) }

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
