package histograms

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
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
	return &Requests{
		first: metric.FirstToken.NewHistogram(registry, Seconds), next: metric.NextToken.NewHistogram(registry, Seconds),
		request: metric.WholeRequest.NewHistograms(registry, Seconds),
	}
}

// Request observes the end of a request.
func (m *Requests) Request(outcome string, took time.Duration) {
	m.request.WithLabelValues(outcome).Observe(took.Seconds())
}

// FirstToken observes the first token of an answer.
func (m *Requests) FirstToken(after time.Duration) { m.first.Observe(after.Seconds()) }

// NextToken observes the time from one token of an answer to the next.
func (m *Requests) NextToken(after time.Duration) { m.next.Observe(after.Seconds()) }
