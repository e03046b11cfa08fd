// Package faulty injects faults into expert calls: the same interface as the
// transport it wraps, with a script of what goes wrong.
//
// What it owns: the script and the count of calls per node.
//
// Concurrency: a Network may be used from any goroutine; a script is called
// from the caller's goroutine, one call at a time.
package faulty
