// Package board makes what an operator reads of the table of metrics: the page
// docs/metrics.md, dashboards for Grafana and Perses, and the recording and alert
// rules of a PrometheusRule.
//
// What it owns: panels, rules and their expressions. An expression takes the name of a
// metric from the package metric.
//
// Invariants: the files in deploy/monitoring and docs/metrics.md are what this package
// renders (TestTheFilesAreWhatTheTableYields). Every metric of the table is in a panel
// or a rule. Each alert names a heading of docs/operations.md.
//
// Concurrency: pure functions.
//
// References: the dashboard models of Grafana (schema version 41) and Perses (v1), and
// monitoring.coreos.com/v1 of the Prometheus operator.
package board
