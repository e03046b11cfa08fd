// Package inproc carries expert calls inside one process, for a cluster that
// runs in one process and for tests.
//
// What it owns: which node is which handler, and the calls in flight.
//
// Invariants:
//   - Neither side keeps the other's memory: rows are copied both ways, so that
//     a caller sees what a network would give.
//   - Rows travel in the wire type that dispatch has rounded them to: an answer
//     has the bits of a remote answer.
//   - A node that is cut off answers nothing any more: its calls in flight end
//     as Unreachable.
//
// Concurrency: a Network may be used from any goroutine.
package inproc
