// Package admission bounds what requests cost before the scheduler accepts them.
//
// What it owns: a Budget, through which every large request of a router passes. A
// request is large if its body is larger than Small: what reading, checking,
// rendering and tokenizing a small one costs is bounded by its size.
//
// Invariants: the bodies of large requests that are not admitted have at most the
// bytes of the Budget together, and at most its number of workers of them are worked on
// at once. A request that does not fit is refused at once, not queued: its body would
// wait in memory. When no large request has been there for a while, the memory of
// the last ones is the system's again.
//
// Concurrency: a Budget is safe for concurrent use; a Pass belongs to one goroutine.
package admission
