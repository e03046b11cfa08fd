package histograms

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Seconds are the buckets of durations.
var Seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// Requests are the histograms of requests.
type Requests struct {
	first   prometheus.Histogram
	next    prometheus.Histogram
	request *prometheus.HistogramVec
}

// New registers empty histograms.
func New(registry prometheus.Registerer) *Requests {
	m := &Requests{
		first: Histogram(registry, "hachi_time_to_first_token_seconds", "From a request's arrival to the first token of each of its answers.", Seconds),
		next:  Histogram(registry, "hachi_inter_token_latency_seconds", "Between one token of an answer and the next.", Seconds),
		request: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hachi_e2e_request_latency_seconds", Help: "Whole requests, by outcome: ok, canceled, or the type of the error.", Buckets: Seconds,
		}, []string{"status"}),
	}
	registry.MustRegister(m.request)
	return m
}

// Histogram registers an empty histogram.
func Histogram(registry prometheus.Registerer, name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	registry.MustRegister(h)
	return h
}

// Request observes the end of a request.
func (m *Requests) Request(outcome string, took time.Duration) {
	m.request.WithLabelValues(outcome).Observe(took.Seconds())
}

// FirstToken observes the first token of an answer.
func (m *Requests) FirstToken(after time.Duration) { m.first.Observe(after.Seconds()) }

// NextToken observes the time from one token of an answer to the next.
func (m *Requests) NextToken(after time.Duration) { m.next.Observe(after.Seconds()) }
