// Package reference is a backend to read: one goroutine, no scratch, no
// concurrency, every loop in plain Go. It is the template of a new backend and,
// beside the suite of package backendtest, the oracle of its tests.
//
// What it owns: the KV cache. Weights are borrowed.
//
// Invariants: it has the bits of the cpu backend, because it computes with the
// definitions of package kernel: it names the same family, and the two may serve
// one cluster.
//
// Concurrency: experts may be used from any goroutine; a Dense belongs to one.
//
// Where to begin a backend of your own: docs/extend/add-a-backend.md.
package reference
