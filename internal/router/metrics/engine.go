package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// snapshot collects the engine's counts.
type snapshot struct{ stats func() engine.Stats }

// Engine collects an engine's counts.
func Engine(stats func() engine.Stats) prometheus.Collector { return snapshot{stats} }

// readings are metrics that are read off the engine's snapshot.
var readings = []struct {
	metric.Definition
	of func(engine.Stats) float64
}{
	{metric.Waiting, func(s engine.Stats) float64 { return float64(s.Waiting) }},
	{metric.Running, func(s engine.Stats) float64 { return float64(s.Running) }},
	{metric.KVUsage, func(s engine.Stats) float64 { return float64(s.BlocksUsed) / float64(max(1, s.BlocksTotal)) }},
	{metric.KVCached, func(s engine.Stats) float64 { return float64(s.BlocksCached) }},
	{metric.KVEvictions, func(s engine.Stats) float64 { return float64(s.Evictions) }},
	{metric.PrefixQueries, func(s engine.Stats) float64 { return float64(s.PrefixQueries) }},
	{metric.PrefixHits, func(s engine.Stats) float64 { return float64(s.PrefixHits) }},
	{metric.PromptTokens, func(s engine.Stats) float64 { return float64(s.Prompt) }},
	{metric.GeneratedTokens, func(s engine.Stats) float64 { return float64(s.Generated) }},
	{metric.DraftTokens, func(s engine.Stats) float64 { return float64(s.Drafted) }},
	{metric.AcceptedTokens, func(s engine.Stats) float64 { return float64(s.Accepted) }},
	{metric.Preemptions, func(s engine.Stats) float64 { return float64(s.Preemptions) }},
	{metric.Rejected, func(s engine.Stats) float64 { return float64(s.Rejected) }},
	{metric.StepsCommitted, func(s engine.Stats) float64 { return float64(s.Steps) }},
	{metric.StepsAbandoned, func(s engine.Stats) float64 { return float64(s.Abandoned) }},
}

// Describe implements prometheus.Collector.
func (s snapshot) Describe(out chan<- *prometheus.Desc) {
	for _, r := range readings {
		out <- r.Desc()
	}
	out <- metric.Finished.Desc()
}

// Collect implements prometheus.Collector.
func (s snapshot) Collect(out chan<- prometheus.Metric) {
	st := s.stats()
	for _, r := range readings {
		out <- r.Const(r.of(st))
	}
	for reason, n := range map[string]uint64{"stop": st.Stopped, "length": st.Length, "abort": st.Canceled, "error": st.Failed} {
		out <- metric.Finished.Const(float64(n), reason)
	}
}
