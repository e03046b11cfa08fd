// Package chaos tests a whole cluster of real processes under faults that a seed
// chooses: it asks the same requests before, during and after them, and compares
// every answer.
//
// What it owns: the schedule of the faults (pure, in schedule.go), what each does to
// processes, the requests, the comparison, the watch over the placement, and the
// timeline that a failed test prints.
//
// Invariants: no request fails; an answer has the bytes of the undisturbed run; epochs
// of the placement only grow, no node has two copies of an expert, and every expert is
// placed when the faults are over. The same seed gives the same schedule; the moment
// at which a process feels a fault is the machine's.
//
// Concurrency: faults of different nodes overlap; one node has one at a time, and so
// have the routers together, and etcd and the coordinator together.
package chaos
