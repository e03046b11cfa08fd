// Package cluster measures what it costs to have the experts in other
// processes: decode of one process that holds a whole model, against a router
// and its expert nodes on the same cores of this machine.
//
// What it owns: the cluster it starts, and one in plaintext when that is asked for; a
// router's core, in this process, with and without its experts; the rounds and the
// report.
//
// Invariants: in a round all variants decode the same tokens, with the same weights
// in the same page cache, and a logit that differs by a bit between two of them
// is an error of the whole measurement. Variants take turns, and the one that
// begins does too. Ratios are of the same round.
//
// Concurrency: one run at a time; it keeps the machine's cores busy.
package cluster
