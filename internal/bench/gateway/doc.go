// Package gateway measures what a gateway costs: time to first token and throughput
// through a gateway, beside the same requests at the router itself.
//
// What it owns: the cluster that it starts, with one router and a gateway, the order of
// the turns, and the report.
//
// Both are asked in turns, request by request for the time to first token and round by
// round for the throughput, and each turn begins with the other one, so that what
// changes on the machine meanwhile meets both. Numbers are medians of the differences
// within a pair of requests, and of the ratios within a round. In a round both sides
// write the same number of answers.
//
// Invariants: a request that fails is an error of the whole measurement.
//
// Concurrency: Run joins the goroutines it starts.
package gateway
