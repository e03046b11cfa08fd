// Package rowbuf lends memory for rows on their way between processes.
//
// What it owns: size classes of reusable, 64-byte aligned memory.
//
// Invariants: memory is lent to one holder at a time; it comes back dirty. A
// size beyond the largest class is allocated and left to the garbage
// collector.
//
// Concurrency: a Pool and a release function may be used from any goroutine.
package rowbuf
