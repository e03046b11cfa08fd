// Package memory watches what processes have of memory of their own while a
// measurement runs.
//
// What it owns: the samples of one watch.
//
// Invariants: a sample is RssAnon of /proc: mapped weights and pages that other
// processes share are not in it. Where the system does not say, a sample is 0.
//
// Concurrency: a Watch samples in a goroutine that Stop joins. Its other methods may
// be called from any goroutine, also after Stop.
package memory
