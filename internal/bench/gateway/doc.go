// Package gateway measures what a gateway costs: time to first token and throughput
// through a gateway, beside the same requests at the router itself.
//
// What it owns: the cluster that it starts, with one router and a gateway, the order of
// the turns, and the report.
//
// Both are asked in turns, and each round begins with the other one, so that what
// changes on the machine meanwhile meets both. Numbers are medians of the rounds, and of
// the ratios or differences within a round.
//
// Invariants: a request that fails is an error of the whole measurement.
//
// Concurrency: Run joins the goroutines it starts.
package gateway
