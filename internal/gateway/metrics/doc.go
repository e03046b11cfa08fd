// Package metrics collects what a gateway counts.
//
// What it owns: the names of the metrics. Those of requests are the router's, which
// package internal/histograms has.
//
// Invariants: a bounded number of series: the labels are names of routers that have a
// record, and reasons.
//
// Concurrency: safe.
package metrics
