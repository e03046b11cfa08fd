// Package journal keeps what a router or a gateway knows of its requests: those that
// run, and the last of those that ended, with every stall that they felt and its
// cause.
//
// What it owns: the phases of a request as its engine shows them, the rule that says
// which pause is a stall, and the latencies of tokens. An Engine wraps the engine of
// the process; the journal reads neither prompts nor answers.
//
// Invariants: memory is bounded by the requests that run, MaxEnded requests that have
// ended, and maxStalls stalls of each. A journal delays no token: it takes one lock
// for each batch of tokens.
//
// Concurrency: a Journal may be used from any goroutine.
package journal
