// Package router is the attention node's process: it serves the HTTP and gRPC
// APIs over an engine, follows the placement, and reports what it has acked.
//
// What it owns: the listeners, the router's record, readiness. config.go names the
// pieces that it joins, which are complete when they are given.
//
// Invariants: serving continues when etcd is gone. A router is ready once every
// expert has a serving replica, and stays ready until an expert has had none for
// 30 s: a pause must not become refused connections. A graceful stop lets running
// answers end, or ends them with an error, before it closes a connection. Run
// closes the listeners and the session on every path.
//
// Concurrency: Run owns the goroutines it starts and joins them.
package router
