package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/histograms"
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
	m.moved = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hachi_gateway_answers_moved_total", Help: "Answers that went on at another router, by reason: failed, silent, drained or fingerprint.",
	}, []string{"reason"})
	m.registry.MustRegister(m.moved)
	m.stall = histograms.Histogram(m.registry, "hachi_gateway_stall_seconds", "How long an answer that went on at another router stood still.", histograms.Seconds)
	m.parts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hachi_gateway_stall_part_seconds_total", Help: "What answers that went on at another router waited for: noticing, waiting, asking or drawing.",
	}, []string{"part"})
	m.registry.MustRegister(m.parts)
	m.drawn = prometheus.NewCounter(prometheus.CounterOpts{Name: "hachi_generation_tokens_total", Help: "Tokens that routers drew for answers of this gateway."})
	m.registry.MustRegister(m.drawn)
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
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// loads collects the load of routers.
type loads func() remote.Load

var (
	descRunning   = prometheus.NewDesc("hachi_gateway_answers_running", "Answers that a router draws for this gateway.", []string{"router"}, nil)
	descSuspected = prometheus.NewDesc("hachi_gateway_router_suspected", "1 for a router that gets no answer while another is left.", []string{"router"}, nil)
	descWaiting   = prometheus.NewDesc("hachi_gateway_queue_length", "Answers that wait for a router.", nil, nil)
)

// Describe implements prometheus.Collector.
func (l loads) Describe(out chan<- *prometheus.Desc) {
	out <- descRunning
	out <- descSuspected
	out <- descWaiting
}

// Collect implements prometheus.Collector.
func (l loads) Collect(out chan<- prometheus.Metric) {
	load := l()
	for router, n := range load.Running {
		suspected := 0.0
		if load.Suspected[router] {
			suspected = 1
		}
		out <- prometheus.MustNewConstMetric(descRunning, prometheus.GaugeValue, float64(n), router)
		out <- prometheus.MustNewConstMetric(descSuspected, prometheus.GaugeValue, suspected, router)
	}
	out <- prometheus.MustNewConstMetric(descWaiting, prometheus.GaugeValue, float64(load.Waiting))
}
