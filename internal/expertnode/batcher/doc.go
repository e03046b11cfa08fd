// Package batcher queues expert calls and computes them in turn. Calls of all
// routers that wait for the same layer are computed together, each expert once;
// a call is never delayed to wait for company.
//
// What it owns: the queue, the one goroutine that computes, and its scratch.
// Rows stay bytes in the wire dtype: a call that is computed by itself is not copied.
//
// Invariants:
//   - A row's result does not depend on its company, because an FFN's does not.
//   - The fault of one call does not fail the calls computed with it.
//   - The queue holds at most a given number of rows; what does not fit is
//     refused whole.
//   - Routers take turns: one that asks for much cannot starve another.
//   - Every submitted task is over once: it is computed, it fails, or Cancel
//     took it back.
//
// Concurrency: all methods may be called from any goroutine. Task.Done is
// called from Run's goroutine and must not block.
package batcher
