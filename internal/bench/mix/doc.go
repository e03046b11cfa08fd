// Package mix has requests of every kind that a client may ask, and makes their answers
// comparable.
//
// What it owns: the kinds, and what of an answer must not depend on faults.
//
// Invariants: the same kind and number give the same request, whose answer depends on
// nothing else: it is greedy or has a seed.
//
// Concurrency: all functions may be called from any goroutine.
package mix
