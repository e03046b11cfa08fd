// Package local supervises a whole cluster on one machine: `hachi up` and the
// system tests start a cluster of child processes with it.
//
// What it owns: the child processes and the configuration file that it hands to
// each of them, the embedded etcd, the lock on the data directory and the run file
// in it.
//
// Invariants: etcd starts first and stops last. No child outlives its parent:
// every child reads from a pipe whose only writer is the parent, and the child
// ends when that read ends. Only one HTTP listener has a fixed port: the router's, or the
// gateway's in front of several routers. The others are chosen at the start, and on
// Linux a child keeps those of its services over its restarts: it is found at its old
// address while etcd is away.
// Two clusters never share a data directory.
//
// Concurrency: the methods of a Cluster may be called from any goroutine.
package local
