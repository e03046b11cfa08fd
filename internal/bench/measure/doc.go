// Package measure compares things that are measured in rounds on a machine whose
// speed changes, and sums up latencies.
//
// What it owns: percentiles, the arithmetic of rounds, and pauses. In a round everything is measured once,
// the first in turn changes from round to round, and two things are compared by
// the median of their ratios of one round each: what slows a whole round slows
// both sides of its ratio.
//
// Invariants: no function changes its arguments. A percentile is a value that was
// measured: the one of nearest rank.
//
// Concurrency: functions only.
package measure
