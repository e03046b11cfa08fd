package role

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/cores"
	"github.com/hachi-serve/hachi/internal/metric"
)

// coreBudgetMetrics are what a process has of the cores that it shares.
type coreBudgetMetrics struct{ shared sharedCores }

// coreBudgetOf is the budget that a device was opened with.
func coreBudgetOf(d backend.Device) coreBudgetMetrics {
	if s, ok := d.(sharingDevice); ok {
		return coreBudgetMetrics{s.shared}
	}
	return coreBudgetMetrics{}
}

// budgetReadings are metrics that are read off a member's counts.
var budgetReadings = []struct {
	metric.Definition
	of func(cores.Stats) float64
}{
	{metric.BudgetCores, func(s cores.Stats) float64 { return float64(s.Cores) }},
	{metric.BudgetHeld, func(s cores.Stats) float64 { return float64(s.Held) }},
	{metric.BudgetWait, func(s cores.Stats) float64 { return s.Waited.Seconds() }},
	{metric.BudgetRecovered, func(s cores.Stats) float64 { return float64(s.Recovered) }},
}

// Describe implements prometheus.Collector.
func (m coreBudgetMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, r := range budgetReadings {
		out <- r.Desc()
	}
}

// Collect implements prometheus.Collector.
func (m coreBudgetMetrics) Collect(out chan<- prometheus.Metric) {
	var s cores.Stats
	if m.shared.member != nil {
		s = m.shared.member.Stats()
	}
	for _, r := range budgetReadings {
		out <- r.Const(r.of(s))
	}
}
