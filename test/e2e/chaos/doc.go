// Package chaos tests a whole cluster of real processes under faults that a seed
// chooses: it asks the same requests before, during and after them, and compares
// every answer.
//
//	clients ─ gateway-0, gateway-1 ─ router-0, router-1 ─ expert-0 … expert-3
//	            coordinator-0, coordinator-1      etcd-0, etcd-1, etcd-2
//
// What it owns: the schedule of the faults (pure, in schedule.go), what each does to
// processes, packets and disks, the requests, the comparison, the watch over the
// placement and over leaks, and the timeline that a failed test keeps. Where root and
// ip(8) are there, each process but the gateways has a network of its own, and each
// member of etcd and the cluster's directory a disk of its own; else the test says that
// it leaves those faults out.
//
// Invariants: no request fails, except those that a fault of their gateway cuts, and
// these get the same answer when they are repeated; an answer has the bytes of the
// undisturbed run; epochs of the placement only grow, no node has two copies of an
// expert, no placement names a process that does not hold the expert, and every expert
// is placed when the faults are over; then no process has more connections, goroutines or
// memory than faults explain, and none is left after the end. The same seed gives the
// same schedule; the moment at which a process feels a fault is the machine's.
//
// Concurrency: faults of different groups overlap: each expert node is a group, and so
// are the routers, the gateways, the coordinators, the members of etcd, and the disk.
package chaos
