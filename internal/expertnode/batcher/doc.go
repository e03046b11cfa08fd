// Package batcher queues expert calls and computes them in turn. Calls of all
// routers that wait for the same layer are computed together, each expert once;
// a call never waits for other calls to arrive.
//
// What it owns: the queue, the one goroutine that computes, and its scratch.
// Rows stay bytes in the wire dtype: a call that is computed by itself is not copied.
//
// Invariants:
//   - A row's result does not depend on the other rows of a batch, by the
//     contract of model.FFN.
//   - The fault of one call, a panic too, does not fail the calls computed with
//     it.
//   - The queue holds at most a given number of rows; a task that does not
//     fit is refused whole.
//   - Routers take turns: a router with many calls cannot starve another.
//   - Every submitted task is over once: it is computed, it fails, or Cancel
//     took it back.
//
// Concurrency: all methods may be called from any goroutine. Task.Done is
// called from Run's goroutine and must not block.
package batcher
