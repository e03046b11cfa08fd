package keys

import "github.com/prometheus/client_golang/prometheus"

// collector collects what clients have used.
type collector struct{ *Guard }

// Collector collects the usage of a guard's clients: a bounded number of series for
// each entry of the file.
func Collector(g *Guard) prometheus.Collector { return collector{g} }

var (
	descClientRequests   = aboutClients("requests_total", "Requests of an API key that were let in.", "client")
	descClientRunning    = aboutClients("requests_running", "Requests of an API key that run.", "client")
	descClientPrompt     = aboutClients("prompt_tokens_total", "Prompt tokens of an API key's requests.", "client")
	descClientGeneration = aboutClients("generation_tokens_total", "Tokens generated for an API key's requests.", "client")
	descClientRefused    = aboutClients("requests_refused_total", "Requests that an API key did not allow, by reason; the client is empty when the key is missing or unknown.", "client", "reason")
)

func aboutClients(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hachi_client_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descClientRequests, descClientRunning, descClientPrompt, descClientGeneration, descClientRefused} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for _, u := range c.Usage() {
		for reason, n := range u.Refused {
			count(descClientRefused, n, u.Client, string(reason))
		}
		if u.Client == "" {
			continue
		}
		count(descClientRequests, u.Requests, u.Client)
		count(descClientPrompt, u.PromptTokens, u.Client)
		count(descClientGeneration, u.CompletionTokens, u.Client)
		out <- prometheus.MustNewConstMetric(descClientRunning, prometheus.GaugeValue, float64(u.Running), u.Client)
	}
}
