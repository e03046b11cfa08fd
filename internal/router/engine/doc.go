// Package engine runs the step loop: it admits requests, asks the scheduler
// for a batch, carries it through the model, samples, and commits.
//
// What it owns: all sequence state. Commit is the only place where a sequence
// changes.
//
// Invariants: the tokens and log probabilities of a request depend only on the
// model and the request: not on what else runs, on chunks, on what is cached, on
// preemption, on drafts. A step that fails is abandoned before commit, so
// nothing it did is visible and its sequences run again with the same bits. A
// step without a replica for some expert waits for a newer placement or for the
// requests' deadlines; it never answers with less than the model. A request
// whose context ends is forgotten within one step. What a client does not read
// never holds up the loop.
//
// Several answers to one prompt are requests of their own that differ in Choice.
// Submitted together they share the prefill: see package kvcache.
//
// Concurrency: Run is the one goroutine that touches sequences; Submit and the
// methods of Stream may be called from any goroutine. Within a step the draws
// of different requests run at the same time, each on its own request's state;
// between steps the next mask of a grammar is worked out in a goroutine that Run
// joins.
//
// References: Yu et al., Orca (OSDI 2022), for iteration-level scheduling;
// Saxena, "Prompt lookup decoding" (2023), for drafts.
package engine
