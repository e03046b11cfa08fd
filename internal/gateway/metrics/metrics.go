package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/histograms"
	"github.com/hachi-serve/hachi/internal/metric"
)

// Metrics are what a gateway measures.
type Metrics struct {
	*histograms.Requests
	registry *prometheus.Registry
	moved    *prometheus.CounterVec
	stall    prometheus.Histogram
	parts    *prometheus.CounterVec
	drawn    prometheus.Counter
}

// New makes empty metrics. load is that of routers.
func New(load func() remote.Load) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), loads(load))
	m.Requests = histograms.New(m.registry)
	m.moved = metric.AnswersMoved.NewCounters(m.registry, "failed", "silent", "drained", "fingerprint")
	m.stall = metric.StallTime.NewHistogram(m.registry, histograms.Seconds)
	m.parts = metric.StallParts.NewCounters(m.registry, "noticing", "waiting", "asking", "drawing")
	m.drawn = metric.GeneratedTokens.NewCounter(m.registry)
	return m
}

// Drawn counts tokens.
func (m *Metrics) Drawn(tokens int) { m.drawn.Add(float64(tokens)) }

// Collect adds collectors; one that is there already is an error of the program.
func (m *Metrics) Collect(all ...prometheus.Collector) { m.registry.MustRegister(all...) }

// Moved counts an answer that goes on at another router.
func (m *Metrics) Moved(reason string) { m.moved.WithLabelValues(reason).Inc() }

// Stalled observes the pause of an answer that has moved.
func (m *Metrics) Stalled(s remote.Stall) {
	m.stall.Observe(s.Total().Seconds())
	for part, took := range map[string]time.Duration{"noticing": s.Noticing, "waiting": s.Waiting, "asking": s.Asking, "drawing": s.Drawing} {
		m.parts.WithLabelValues(part).Add(took.Seconds())
	}
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return histograms.Handler(m.registry)
}

// loads collects the load of routers.
type loads func() remote.Load

// Describe implements prometheus.Collector.
func (l loads) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []metric.Definition{metric.GatewayRunning, metric.RouterSuspected, metric.GatewayQueue} {
		out <- d.Desc()
	}
}

// Collect implements prometheus.Collector.
func (l loads) Collect(out chan<- prometheus.Metric) {
	load := l()
	for router, n := range load.Running {
		suspected := 0.0
		if load.Suspected[router] {
			suspected = 1
		}
		out <- metric.GatewayRunning.Const(float64(n), router)
		out <- metric.RouterSuspected.Const(suspected, router)
	}
	out <- metric.GatewayQueue.Const(float64(load.Waiting))
}
