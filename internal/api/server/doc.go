// Package server serves every API of a process, over HTTP and over gRPC.
//
// What it owns: both listeners, the health service, and the order of a graceful stop.
//
// Invariants: a graceful stop takes no new requests, lets running answers end or ends
// them with an error that their clients read, and closes connections last. gRPC's
// health service says what /readyz says.
//
// Concurrency: Run is called once; SetReady by any goroutine. Run joins the goroutines that it
// starts.
package server
