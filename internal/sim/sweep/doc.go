// Package sweep simulates one cluster after another: nodes by load by placement by replicas
// by networks by formats, and sums the runs up as tables and figures.
//
// What it owns: the format of the file, SWEEP.yaml, and of its results: cells.csv,
// cells.json, answers.md and figures.
//
// Invariants: the same file gives the same bytes, whatever the number of runs at once. A
// cluster without room is a cell that says so; a run that breaks an invariant is an error.
//
// Concurrency: Run simulates several cells at once; each run is one goroutine's.
//
// References: docs/scaling.md explains the file and has a study; package scenario the
// clusters.
package sweep
