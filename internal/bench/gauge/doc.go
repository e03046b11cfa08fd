// Package gauge measures what memory and arithmetic of this machine give at a moment: a
// machine that is shared changes from minute to minute, and benchmarks that are compared
// with simulations note it beside each round.
//
// What it owns: the memory that it reads.
//
// Concurrency: one reading at a time; it keeps the machine's cores busy.
package gauge
