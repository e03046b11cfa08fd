// Package event runs events in virtual time: the core of a discrete-event simulation.
//
// What it owns: the virtual clock and the queue of events.
//
// Invariants: time never goes back. Of events at one time the one that was scheduled
// first fires first, so that the same calls in the same order give the same run. An
// event scheduled for the past fires now.
//
// Concurrency: none. One goroutine owns a Loop; handlers run on it.
//
// References: Banks et al., "Discrete-Event System Simulation", chapter 3, for the
// event-scheduling view; LaMarca and Ladner, "The Influence of Caches on the Performance
// of Heaps" (1996), for heaps of four children.
package event
