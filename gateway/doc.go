// Package gateway is the process in front of several routers: it serves the HTTP and
// gRPC APIs over an engine whose tokens are drawn by routers.
//
// What it owns: the listeners, the gateway's record, readiness. config.go names the
// pieces that it joins, which are complete when they are given.
//
// Invariants: it keeps nothing but what runs, so any number of gateways may serve one
// cluster. Serving goes on when etcd is gone, with the last records of routers. A
// gateway is ready while a router takes requests for its model; when all
// routers that take requests serve another model, or have another tokenizer or chat
// template, it ends with an error that says so. A graceful stop lets running answers end, or ends them with an error,
// before it closes a connection. Run closes the listeners and the session on every
// path.
//
// Concurrency: Run owns the goroutines it starts and joins them.
package gateway
