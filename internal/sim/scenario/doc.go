// Package scenario reads the file that describes a simulated cluster, CLUSTER.yaml: its
// model, machines, network, processes, placement, and the faults that befall it.
//
// What it owns: the format of the file, its defaults and its checks.
//
// Invariants: an unknown field is an error with its line. All faults are reported at
// once, each with the line and the path of its field. A Scenario that Read returns can be
// simulated.
//
// Concurrency: functions only.
//
// References: docs/scaling.md explains every field.
package scenario
