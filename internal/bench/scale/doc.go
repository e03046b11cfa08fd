// Package scale measures whole clusters on this machine: expert nodes by replicas by
// threads by sequences at once, each cell of that table under the same closed loop. It is
// what package calibrate compares simulations with.
//
// What it owns: the clusters it starts, their network namespaces where packets are delayed
// or lost, the streams, and a directory with one file of package cell for each cell.
//
// Invariants: a file is written after its cell has been measured; a cell that has one is
// not measured again. A stream that fails is an error, never a number. What memory
// and arithmetic of the machine gave is measured beside every round: a shared machine
// changes from minute to minute. Numbers of a cell are medians of its rounds.
//
// Concurrency: one run at a time; it keeps the machine's cores busy.
package scale
