// Package dispatch sends the rows of a layer to the nodes that hold their
// experts and combines the replies: model.Experts over a cluster.
//
// What it owns: the adopted placement, the suspicion of nodes, the counts of
// rows per expert, the accounting of calls in flight per epoch.
//
// Invariants:
//   - It is the only place that retries. A failed call's rows, and only they,
//     go to the next replica of the same epoch; replies that arrived are kept.
//   - A missing expert is an error and leaves the residual unchanged.
//   - Replies are combined in ascending expert id, never in order of arrival.
//   - A newer placement is adopted from anyone; an older one never.
//   - Suspicion only reorders replicas.
//   - When Forward returns, none of its calls runs any more.
//
// Concurrency: all methods may be called from any goroutine.
//
// References: the words dispatch and combine are DeepEP's.
package dispatch
