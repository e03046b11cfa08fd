// Package engine runs the step loop: it admits requests, asks the scheduler
// for a batch, carries it through the model, samples, and commits.
//
// What it owns: all sequence state. Commit is the only place where a sequence
// changes.
//
// Invariants: a step that fails is abandoned before commit, so nothing it did
// is visible and its sequences run again with the same bits. A step without a
// replica for some expert waits for a newer placement or for the requests'
// deadlines; it never answers with less than the model. A request whose
// context ends is forgotten within one step. What a client does not read never
// holds up the loop.
//
// Concurrency: Run is the one goroutine that touches sequences; Submit and the
// methods of Stream may be called from any goroutine.
//
// References: Yu et al., Orca (OSDI 2022), for iteration-level scheduling.
package engine
