// Package local puts a whole cluster on one machine and holds it in a
// variable: `hachi up`, the tests and the examples are made of it. It is also
// the composition root: here, and only here and in cmd, implementations are
// chosen and the pieces of a role are joined.
//
// What it owns: the run of one role (RunCoordinator, RunExpertNode,
// RunRouter), the child processes of a cluster, the embedded etcd, the lock on
// the data directory.
//
// Invariants: etcd starts first and stops last. No child outlives its parent:
// every child reads from a pipe whose only writer is the parent, and ends when
// that read ends. Only the router's HTTP listener has a fixed port. Two
// clusters never share a data directory.
//
// Concurrency: a Cluster's methods may be called from any goroutine; Run of a
// role blocks until its context ends.
package local
