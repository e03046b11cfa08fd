// Package kernel measures what a machine can do, and what the kernels reach
// of it: bytes read per second and operations on registers per second, in the
// same run and alternating with the kernels, since a shared machine changes
// from minute to minute.
//
// What it owns: the memory it reads, given back at the end.
//
// Invariants: every number is the median of the rounds; a percentage compares
// medians of one run.
//
// Concurrency: Measure keeps all its threads busy; run one at a time.
//
// References: Williams, Waterman and Patterson, "Roofline: an insightful visual
// performance model for multicore architectures" (2009).
package kernel
