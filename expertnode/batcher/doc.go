// Package batcher queues rows for experts and computes them in turn. Rows of
// all routers that wait for the same expert are computed together; a lone one
// is never delayed to wait for company.
//
// What it owns: the queue and the one goroutine that computes.
//
// Invariants: a row's result does not depend on its company, because an FFN's
// does not. The queue holds at most a given number of rows; what does not fit is
// refused whole.
//
// Concurrency: Do may be called from any goroutine.
package batcher
