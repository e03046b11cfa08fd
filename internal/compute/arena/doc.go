// Package arena gives memory outside the Go heap.
//
// What it owns: anonymous mappings. The collector lets garbage grow to the size of the
// heap before it collects, so a large cache in the heap, or weights there, would allow
// as much garbage.
//
// Invariants: the memory of an Arena is zero when it is given out, and takes pages once
// they are written.
//
// Concurrency: an Arena belongs to one goroutine; its pieces may be used
// by any.
package arena
