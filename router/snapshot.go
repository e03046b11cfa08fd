package router

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/router/engine"
)

// snapshot collects the engine's and the dispatcher's counts when asked.
type snapshot struct{ c Config }

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
		gauge("hachi_kv_cache_cached_blocks", "KV blocks kept for their content alone.", func(s engine.Stats) float64 { return float64(s.BlocksCached) }),
		counter("hachi_kv_cache_evictions_total", "KV blocks whose content was given up.", func(s engine.Stats) uint64 { return s.Evictions }),
		counter("hachi_prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", func(s engine.Stats) uint64 { return s.PrefixQueries }),
		counter("hachi_prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", func(s engine.Stats) uint64 { return s.PrefixHits }),
		counter("hachi_prompt_tokens_total", "Prompt tokens of sequences that reached their first token.", func(s engine.Stats) uint64 { return s.Prompt }),
		counter("hachi_generation_tokens_total", "Tokens generated.", func(s engine.Stats) uint64 { return s.Generated }),
		counter("hachi_spec_decode_num_draft_tokens_total", "Tokens guessed and verified.", func(s engine.Stats) uint64 { return s.Drafted }),
		counter("hachi_spec_decode_num_accepted_tokens_total", "Guessed tokens found right.", func(s engine.Stats) uint64 { return s.Accepted }),
		counter("hachi_preemptions_total", "Sequences preempted.", func(s engine.Stats) uint64 { return s.Preemptions }),
		counter("hachi_requests_rejected_total", "Sequences that found the queue full.", func(s engine.Stats) uint64 { return s.Rejected }),
		counter("hachi_steps_total", "Steps committed.", func(s engine.Stats) uint64 { return s.Steps }),
		counter("hachi_steps_abandoned_total", "Steps abandoned for want of a replica.", func(s engine.Stats) uint64 { return s.Abandoned }),
	}
	descFinished = prometheus.NewDesc("hachi_sequences_finished_total", "Sequences that ended, by reason.", []string{"reason"}, nil)
	descEpoch    = prometheus.NewDesc("hachi_placement_epoch", "Epoch of the placement in use.", nil, nil)
	descRows     = prometheus.NewDesc("hachi_expert_rows_total", "Rows sent to an expert.", []string{"layer", "expert"}, nil)
)

// Describe implements prometheus.Collector.
func (s *snapshot) Describe(out chan<- *prometheus.Desc) {
	for _, r := range readings {
		out <- r.desc
	}
	out <- descFinished
	out <- descEpoch
	out <- descRows
}

// Collect implements prometheus.Collector.
func (s *snapshot) Collect(out chan<- prometheus.Metric) {
	value := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	st := s.c.Engine.Stats()
	for _, r := range readings {
		value(r.desc, r.kind, r.of(st))
	}
	for reason, n := range map[string]uint64{"stop": st.Stopped, "length": st.Length, "abort": st.Cancelled, "error": st.Failed} {
		value(descFinished, prometheus.CounterValue, float64(n), reason)
	}
	if p := s.c.Dispatcher.Placement(); p != nil {
		value(descEpoch, prometheus.GaugeValue, float64(p.Epoch()))
	}
	for i, rows := range s.c.Dispatcher.Counts() {
		id := s.c.Topology.ID(i)
		value(descRows, prometheus.CounterValue, float64(rows), strconv.Itoa(id.Layer), strconv.Itoa(id.Expert))
	}
}
