package keys

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
)

// collector collects what clients have used.
type collector struct{ *Guard }

// Collector collects the usage of a guard's clients: a bounded number of series for
// each entry of the file.
func Collector(g *Guard) prometheus.Collector { return collector{g} }

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []metric.Definition{metric.ClientRequests, metric.ClientRunning, metric.ClientPromptTokens, metric.ClientGeneratedTokens, metric.ClientRefused} {
		out <- d.Desc()
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, u := range c.Usage() {
		for reason, n := range u.Refused {
			out <- metric.ClientRefused.Const(float64(n), u.Client, string(reason))
		}
		if u.Client == "" {
			continue
		}
		out <- metric.ClientRequests.Const(float64(u.Requests), u.Client)
		out <- metric.ClientPromptTokens.Const(float64(u.PromptTokens), u.Client)
		out <- metric.ClientGeneratedTokens.Const(float64(u.CompletionTokens), u.Client)
		out <- metric.ClientRunning.Const(float64(u.Running), u.Client)
	}
}
