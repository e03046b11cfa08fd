package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/router/engine"
)

// snapshot collects the engine's counts.
type snapshot struct{ stats func() engine.Stats }

// Engine collects an engine's counts.
func Engine(stats func() engine.Stats) prometheus.Collector { return snapshot{stats} }

// reading is a metric that is read off the engine's snapshot.
type reading struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(engine.Stats) float64
}

func gauge(name, help string, of func(engine.Stats) float64) reading {
	return reading{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, of}
}

func counter(name, help string, of func(engine.Stats) uint64) reading {
	return reading{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, func(s engine.Stats) float64 { return float64(of(s)) }}
}

var (
	readings = []reading{
		gauge("hachi_num_requests_waiting", "Sequences that wait.", func(s engine.Stats) float64 { return float64(s.Waiting) }),
		gauge("hachi_num_requests_running", "Sequences that run.", func(s engine.Stats) float64 { return float64(s.Running) }),
		gauge("hachi_kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", func(s engine.Stats) float64 {
			return float64(s.BlocksUsed) / float64(max(1, s.BlocksTotal))
		}),
		gauge("hachi_kv_cache_cached_blocks", "KV blocks of no sequence, kept for their content.", func(s engine.Stats) float64 { return float64(s.BlocksCached) }),
		counter("hachi_kv_cache_evictions_total", "Cached KV blocks that were reused for other content.", func(s engine.Stats) uint64 { return s.Evictions }),
		counter("hachi_prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", func(s engine.Stats) uint64 { return s.PrefixQueries }),
		counter("hachi_prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", func(s engine.Stats) uint64 { return s.PrefixHits }),
		counter("hachi_prompt_tokens_total", "Prompt tokens of sequences that reached their first token.", func(s engine.Stats) uint64 { return s.Prompt }),
		counter("hachi_generation_tokens_total", "Tokens generated.", func(s engine.Stats) uint64 { return s.Generated }),
		counter("hachi_spec_decode_num_draft_tokens_total", "Draft tokens verified.", func(s engine.Stats) uint64 { return s.Drafted }),
		counter("hachi_spec_decode_num_accepted_tokens_total", "Draft tokens accepted.", func(s engine.Stats) uint64 { return s.Accepted }),
		counter("hachi_preemptions_total", "Sequences preempted.", func(s engine.Stats) uint64 { return s.Preemptions }),
		counter("hachi_requests_rejected_total", "Sequences that found the queue full.", func(s engine.Stats) uint64 { return s.Rejected }),
		counter("hachi_steps_total", "Steps committed.", func(s engine.Stats) uint64 { return s.Steps }),
		counter("hachi_steps_abandoned_total", "Steps abandoned because an expert had no replica.", func(s engine.Stats) uint64 { return s.Abandoned }),
	}
	descFinished = prometheus.NewDesc("hachi_sequences_finished_total", "Sequences that ended, by reason.", []string{"reason"}, nil)
)

// Describe implements prometheus.Collector.
func (s snapshot) Describe(out chan<- *prometheus.Desc) {
	for _, r := range readings {
		out <- r.desc
	}
	out <- descFinished
}

// Collect implements prometheus.Collector.
func (s snapshot) Collect(out chan<- prometheus.Metric) {
	st := s.stats()
	for _, r := range readings {
		out <- prometheus.MustNewConstMetric(r.desc, r.kind, r.of(st))
	}
	for reason, n := range map[string]uint64{"stop": st.Stopped, "length": st.Length, "abort": st.Canceled, "error": st.Failed} {
		out <- prometheus.MustNewConstMetric(descFinished, prometheus.CounterValue, float64(n), reason)
	}
}
