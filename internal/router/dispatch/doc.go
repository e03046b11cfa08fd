// Package dispatch sends the rows of a layer to the nodes that hold their
// experts and combines the replies: model.Experts over a cluster.
//
// What it owns: the adopted placement, what is known of each node (latency by
// size, cost, suspicion), the counts of rows per expert, the accounting of calls
// in flight per epoch, the budget of hedges.
//
// Which replica: unsuspected before suspected; of two of these the one that is
// expected to answer sooner, by its work in flight and its measured speed. What
// was measured is forgotten by halves while a node is idle, so that one that was
// slow is asked again.
//
// A call that is late: after max(2 x p50, p99) of the node's undelayed calls of
// that size another replica is asked as well, within a budget of 5 % extra rows,
// and the first answer wins. After 8 times that (100 ms at least, 200 ms more
// than that at most) the node is suspect and its rows are sent elsewhere without
// regard to the budget; so it is when two of its calls in a row were overtaken. A router whose own timers fire
// late waits longer before it accuses. With one replica a call just waits.
//
// Invariants:
//   - It is the only place that retries. A failed call's rows, and only they,
//     go to the next replica of the same epoch; replies that arrived are kept.
//   - A missing expert is an error and leaves the residual unchanged.
//   - Replies are combined in ascending expert id, never in order of arrival;
//     when two replicas answer, they answer the same bits.
//   - A newer placement is adopted from anyone; an older one never.
//   - Suspicion only reorders replicas.
//   - When Forward returns, none of its calls runs any more.
//
// A layer makes no garbage: its memory, the calls' among it, is kept for the
// next (go test -run xxx -bench Forward ./internal/router/dispatch).
//
// Concurrency: all methods may be called from any goroutine. Forward's goroutine
// owns its run; a transport only puts ended attempts into the run's mailbox.
//
// References: the words dispatch and combine are DeepEP's. Dean and Barroso,
// "The tail at scale" (2013), for hedged requests; Mitzenmacher (2001) for two
// choices; Lifeguard, arXiv 1707.00788, for suspicion and awareness.
package dispatch
