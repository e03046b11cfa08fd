// Package namespaces gives processes of this machine a network each, so that tests and
// benchmarks cut single ones off without a reset of their connections.
//
//	this process ─ bridge 198.18.X.1
//	                 ├─ pair ─ namespace of process 0, 198.18.X.2
//	                 └─ pair ─ namespace of process 1, 198.18.X.3
//
// What it owns: a bridge, a network namespace and a pair of interfaces for each
// process, until Close. Addresses are of 198.18.0.0/15, which RFC 2544 sets aside for
// measurements.
//
// Invariants: packets that are lost vanish: no answer comes, and no error. The packets of
// a disturbed process travel through sockets of this process, those of every other one
// through the kernel only. Many kernels are built without netem, and none is needed. It
// needs Linux, root and ip(8) of iproute2; New says so where one is missing.
//
// Concurrency: faults of different processes may begin and end at once; those of one
// process must not overlap.
package namespaces
