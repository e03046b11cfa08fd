// Package metrics is what a router's /metrics shows.
//
// What it owns: the histograms, and the collectors. metrics.go has what
// is observed as it happens; engine.go, dispatch.go, experts.go and pipeline.go
// have collectors that read counts when they are scraped.
//
// Invariants: the number of series is bounded: per node, per reason, per outcome,
// and at most one counter per expert. The package metric names
// every metric.
//
// Concurrency: safe.
package metrics
