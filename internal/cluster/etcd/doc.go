// Package etcd runs an etcd server inside the process: the store of a cluster
// on one machine, and of the tests.
//
// What it owns: the server and its listeners. The data stays in its directory.
//
// Invariants: clients find it on the address it was given, else on
// loopback; it logs to a file, and never prints.
//
// Concurrency: Close may be called from any goroutine, and more than once.
package etcd
