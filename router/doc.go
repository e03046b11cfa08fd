// Package router is the attention node's process: it serves the HTTP and gRPC
// APIs over an engine, follows the placement, and reports what it has acked.
//
// What it owns: the listeners, the router's record, readiness, metrics.
//
// Invariants: serving goes on when etcd is gone. It is ready once every expert
// has a serving replica, and stays so until one has been without for 30 s: a
// pause must not become refused connections. A graceful stop lets running
// answers end, or ends them with an error that says so, before a connection is
// closed.
//
// Concurrency: Run owns the goroutines it starts and joins them.
package router
