// Package scrape reads the metrics of a router, which a benchmark reports or
// waits for, among them the rows that experts had.
//
// Concurrency: functions only.
//
// References: the text format of Prometheus,
// prometheus.io/docs/instrumenting/exposition_formats.
package scrape
