// Package model measures the forward pass of a model in one process, without
// a network: prefill and decode at several batch sizes, as tokens per second
// and as a share of what the machine could do.
//
// What it owns: an open checkpoint and a backend, for the length of a run.
//
// Invariants: tokens are random, from a seed, so that routing differs by
// sequence; the machine's own limits are measured between the steps, in the
// same run.
//
// Concurrency: one run at a time; it keeps the pool's threads busy.
package model
