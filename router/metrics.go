package router

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hachi-serve/hachi/router/openai"
)

// metrics are what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	first    prometheus.Histogram
	next     prometheus.Histogram
	request  *prometheus.HistogramVec
}

func newMetrics(c Config) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	m.first = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hachi_time_to_first_token_seconds", Help: "From the request to the first token.", Buckets: seconds})
	m.next = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hachi_inter_token_latency_seconds", Help: "Between tokens of an answer.", Buckets: seconds})
	m.request = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hachi_e2e_request_latency_seconds", Help: "Whole requests, by outcome.", Buckets: seconds}, []string{"status"})
	m.registry.MustRegister(m.first, m.next, m.request, &snapshot{c: c})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) observe() openai.Observe {
	return openai.Observe{
		FirstToken: func(d time.Duration) { m.first.Observe(d.Seconds()) },
		NextToken:  func(d time.Duration) { m.next.Observe(d.Seconds()) },
		Done:       func(status string, d time.Duration) { m.request.WithLabelValues(status).Observe(d.Seconds()) },
	}
}

// snapshot collects the engine's and the dispatcher's counts when asked.
type snapshot struct{ c Config }

var (
	descWaiting   = prometheus.NewDesc("hachi_num_requests_waiting", "Requests that wait.", nil, nil)
	descRunning   = prometheus.NewDesc("hachi_num_requests_running", "Sequences that run.", nil, nil)
	descKV        = prometheus.NewDesc("hachi_kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", nil, nil)
	descPrompt    = prometheus.NewDesc("hachi_prompt_tokens_total", "Prompt tokens computed.", nil, nil)
	descGenerated = prometheus.NewDesc("hachi_generation_tokens_total", "Tokens generated.", nil, nil)
	descPreempted = prometheus.NewDesc("hachi_preemptions_total", "Sequences preempted.", nil, nil)
	descAbandoned = prometheus.NewDesc("hachi_steps_abandoned_total", "Steps abandoned for want of a replica.", nil, nil)
	descEpoch     = prometheus.NewDesc("hachi_placement_epoch", "Epoch of the placement in use.", nil, nil)
	descRows      = prometheus.NewDesc("hachi_expert_rows_total", "Rows sent to an expert.", []string{"layer", "expert"}, nil)
)

// Describe implements prometheus.Collector.
func (s *snapshot) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, out) }

// Collect implements prometheus.Collector.
func (s *snapshot) Collect(out chan<- prometheus.Metric) {
	value := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	st := s.c.Engine.Stats()
	value(descWaiting, prometheus.GaugeValue, float64(st.Waiting))
	value(descRunning, prometheus.GaugeValue, float64(st.Running))
	value(descKV, prometheus.GaugeValue, float64(st.BlocksUsed)/float64(max(1, st.BlocksTotal)))
	value(descPrompt, prometheus.CounterValue, float64(st.Prompt))
	value(descGenerated, prometheus.CounterValue, float64(st.Generated))
	value(descPreempted, prometheus.CounterValue, float64(st.Preemptions))
	value(descAbandoned, prometheus.CounterValue, float64(st.Abandoned))
	if p := s.c.Dispatcher.Placement(); p != nil {
		value(descEpoch, prometheus.GaugeValue, float64(p.Epoch()))
	}
	for i, rows := range s.c.Dispatcher.Counts() {
		value(descRows, prometheus.CounterValue, float64(rows), strconv.Itoa(i/s.c.Experts), strconv.Itoa(i%s.c.Experts))
	}
}
