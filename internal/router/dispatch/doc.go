// Package dispatch sends the rows of a layer to the nodes that hold their
// experts and combines the replies: model.Experts over a cluster.
//
// What it owns: the adopted placement; what was measured of each node (latency
// by call size, cost, suspicion); the counts of rows per expert; the number of
// layers in flight per epoch; the hedge budget.
//
// # An expert call
//
// An attempt is one call to one replica. It takes these stages, forward only:
//
//	          hedgeAfter          suspectAfter            abandonAfter
//	+------+ ------------> +--------+ ------------> +-----------+ ------------> +-----------+
//	| sent |               | hedged |               | suspected |               | abandoned |
//	+------+               +--------+               +-----------+               +-----------+
//	    |                      |                          |                          |
//	    |  reply or error      |                          |                          | canceled
//	    v                      v                          v                          v
//	+---------------------------------------------------------------------------------------+
//	| settled                                                                               |
//	+---------------------------------------------------------------------------------------+
//
//	event                      from             action
//	hedgeAfter passed          sent             send its open tasks to an unsuspected replica
//	                                            too, if the hedge budget allows
//	suspectAfter passed        sent, hedged     suspect the node; fail its open tasks over to
//	                                            any untried replica, outside the budget
//	abandonAfter passed        any before       cancel the call: it settles as Unreachable
//	other attempts brought     any before       cancel the call (overtaken); two overtaken
//	all its rows                                calls in a row suspect the node
//	reply                      any              store the rows that are still open; trust the
//	                                            node; learn its latency
//	error                      any              suspect the node if Unreachable or Corrupt;
//	                                            fail its open tasks over
//	error Invalid, Internal    any              the layer fails
//
// The waits of a call follow from patience = max(2 x p50, p99) of the node's
// undelayed calls of that size:
//
//	hedgeAfter   = max(2 ms, patience)
//	suspectAfter = clamp(8 x patience, 100 ms, patience + 200 ms) + 50 ms x local health score
//	abandonAfter = CallTimeout + rows x RowTimeout
//
// With a single replica there is nowhere to hedge or to fail over to: a late
// call is waited for.
//
// # Which replica
//
// Unsuspected before suspected; of two of these, the one with the lower cost,
// that is the time until it is expected to answer, from its groups in flight and
// its measured speed. Measurements of an idle node lose half their weight every
// 250 ms, so that a node that was slow is tried again.
//
// Invariants:
//   - Only this package retries. Of a failed call, only the tasks without rows are
//     sent again, to the next replica of the same epoch.
//   - A missing expert is an error and leaves the residual unchanged.
//   - Replies are combined in ascending expert id, never in order of arrival.
//     Two replicas answer the same bits, so it does not matter which one is used.
//   - A placement is adopted from any source if its epoch is higher, else never.
//   - Suspicion only reorders replicas; it never makes one unusable.
//   - When Forward returns, none of its calls is in flight.
//   - Bound: hedges are at most 5 % of all rows plus a burst of 32.
//
// A layer allocates nothing once its memory has grown: a run and its attempts
// are kept for the next layer (go test -run xxx -bench Forward
// ./internal/router/dispatch). Its work grows with its rows, experts and calls, not with
// their products and not with the nodes of the cluster: a placement is adopted with the
// records of its nodes (routes), so that a plan looks up no name.
//
// Concurrency: all methods may be called from any goroutine. The goroutine of
// Forward owns its layerRun and all attempts of it; a transport's goroutine only
// puts ended attempts into the run's mailbox. Dispatcher.mu guards everything
// that layers share.
//
// References: DeepEP for the words dispatch and combine. Dean and Barroso, "The
// tail at scale" (2013), for hedged requests; Mitzenmacher (2001) for the power
// of two choices; Lifeguard, arXiv 1707.00788, for suspicion and local health.
package dispatch
