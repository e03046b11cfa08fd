package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the histograms of a router, and the registry of its collectors.
type Metrics struct {
	registry *prometheus.Registry
	first    prometheus.Histogram
	next     prometheus.Histogram
	queue    prometheus.Histogram
	step     prometheus.Histogram
	rows     prometheus.Histogram
	request  *prometheus.HistogramVec
}

// seconds are the buckets of durations.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// New makes empty metrics.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	m.first = histogram("hachi_time_to_first_token_seconds", "From a request's arrival to the first token of each of its answers.", seconds)
	m.next = histogram("hachi_inter_token_latency_seconds", "Between one token of an answer and the next.", seconds)
	m.queue = histogram("hachi_request_queue_time_seconds", "From a sequence's admission to its first rows.", seconds)
	m.step = histogram("hachi_step_duration_seconds", "Committed steps.", seconds)
	m.rows = histogram("hachi_step_rows", "Rows of committed steps.", prometheus.ExponentialBuckets(1, 2, 10))
	m.request = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hachi_e2e_request_latency_seconds", Help: "Whole requests, by outcome: ok, canceled, or the type of the error.", Buckets: seconds,
	}, []string{"status"})
	m.registry.MustRegister(m.request)
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

// Request observes the end of a request.
func (m *Metrics) Request(outcome string, took time.Duration) {
	m.request.WithLabelValues(outcome).Observe(took.Seconds())
}

// FirstToken observes the time from a request's arrival to a first token.
func (m *Metrics) FirstToken(d time.Duration) { m.first.Observe(d.Seconds()) }

// NextToken observes the time between two tokens of an answer.
func (m *Metrics) NextToken(d time.Duration) { m.next.Observe(d.Seconds()) }

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
