// Package numa knows the memory nodes of this machine: groups of cores, usually a socket
// each, with memory of their own that the others reach more slowly.
//
// What it owns: reading /sys/devices/system/node, the division of processes over the
// nodes, and the start of a process on one.
//
// Invariants: on a machine with one node, or where the nodes cannot be read, no process
// is bound. A bound process keeps to the cores of its node that its parent may use. Its
// memory comes from the node while that has some, then from another: a process that fits
// badly is slower, and is not killed.
//
// Concurrency: functions may be called from any goroutine.
//
// References: numa(7), set_mempolicy(2), sched_setaffinity(2), the kernel's
// Documentation/ABI/stable/sysfs-devices-node.
package numa
