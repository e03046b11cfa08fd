// Package failover measures what a fault does to streams: it serves a model
// from a cluster of processes on this machine, kills or stops an expert node or
// a router behind a gateway, or drops its packets, in the middle of streams, and
// compares every token with an undisturbed run.
//
// What it owns: the cluster it starts, the network namespace of the process whose
// packets are dropped, the streams, the report and its figure.
//
// Streams are gRPC answers of tokens where an expert node is the victim, and HTTP
// requests of every kind where it is a router.
//
// Stall is a stream's largest gap between tokens minus the p99 inter-token latency of
// undisturbed runs, one before each fault: one run has too few steps for a p99.
//
// After kills of expert nodes the report also has what a simulation needs to know, with the
// CPU time of a start (cell.Scene).
//
// Invariants: a stream that fails or whose tokens differ is an error of the
// whole measurement, never a number in it. A fault begins when every stream has
// produced tokens, on a cluster whose placement is whole, and hits a node that
// the router trusts, or one of the routers while the gateway trusts all of them.
//
// Concurrency: Run joins the goroutines it starts.
package failover
