package histograms

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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

// Request observes the end of a request. trace is the id of the trace that the request
// is sampled for, "" for none: the observation becomes an exemplar.
func (m *Requests) Request(outcome string, took time.Duration, trace string) {
	Observe(m.request.WithLabelValues(outcome), took, trace)
}

// FirstToken observes the first token of an answer.
func (m *Requests) FirstToken(after time.Duration, trace string) { Observe(m.first, after, trace) }

// NextToken observes the time from one token of an answer to the next.
func (m *Requests) NextToken(after time.Duration, trace string) { Observe(m.next, after, trace) }

// Observe observes a duration, with an exemplar if there is a trace.
func Observe(by prometheus.Observer, took time.Duration, trace string) {
	if marked, ok := by.(prometheus.ExemplarObserver); ok && trace != "" {
		marked.ObserveWithExemplar(took.Seconds(), prometheus.Labels{TraceLabel: trace})
		return
	}
	by.Observe(took.Seconds())
}

// TraceLabel is the label of an exemplar that names a trace, as Grafana expects it.
const TraceLabel = "trace_id"

// Handler answers /metrics. Scrapers that accept OpenMetrics get exemplars.
func Handler(registry prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
