// Package expertnode is the process that holds a shard of experts and computes
// them.
//
// What it owns: the resident experts, the queue of rows, the node's record.
//
// Invariants:
//   - It serves what it holds, whatever epoch a call names.
//   - It loads what the target lists, one expert after another, and reports
//     each as soon as it is resident.
//   - It unloads an expert only when the target no longer lists it, the
//     placement no longer lists this node for it, every live router has acked
//     that placement, and no call is computing it. Silence of etcd, or a lost
//     lease, unloads nothing.
//   - The queue is bounded; beyond it the answer is Busy.
//   - A node whose full queue does not move stops renewing its lease.
//
// Concurrency: Serve may be called from any goroutine; Run is the one goroutine
// that loads and unloads.
package expertnode
