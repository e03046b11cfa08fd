// Package hostile measures what requests that cost much before they are admitted do
// to those of others: it serves a model from processes on this machine, keeps some
// clients in a closed loop, and sends the largest bodies that the router reads, many
// at once.
//
// What it owns: the cluster it starts, the bodies, the load, the report.
//
// Invariants: the clients of both phases, without and with hostile bodies, ask the
// same. Memory is what the router has of its own (RssAnon); the router has met each
// body once before the first reading, so that both readings are of a router that has
// made what it makes once: the vocabulary of grammars, the types of its encoders.
//
// Concurrency: Run joins the goroutines it starts.
package hostile
