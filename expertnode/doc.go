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
//   - A node that restarts loads what it was given last until it hears its target.
//   - One load or unload at a time, beside the loop that decides. Meanwhile the weights
//     of one more expert are fetched. An expert that cannot be loaded is tried again after
//     a wait of its own; others do not wait for it.
//   - The queue is bounded; beyond it the answer is Busy.
//   - A node that turns work away and computes none stops renewing its lease.
//   - A node that leaves stays until every router has acked a placement without
//     it, or a while has passed.
//
// Concurrency: Serve may be called from any goroutine; only Run's goroutine
// decides what is resident.
package expertnode
