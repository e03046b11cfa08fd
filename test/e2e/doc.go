// Package e2e tests hachi as its users run it: processes of the hachi binary on
// this machine, a real etcd, requests over HTTP. docs/guarantees.md names most
// of its tests.
//
// What it owns: the answer to "does the promise hold for real processes?". Tests
// of one package, with fakes and a synthetic clock, live beside that package.
//
// Invariants: answers are compared bit for bit; no test asserts a duration; a
// fault is injected only while requests run. Package harness builds the binary
// once and starts what a test needs.
//
// Concurrency: every test has its own cluster, ports and data directory. Tests
// that mainly wait for clocks run in parallel with the others.
//
// `go test -short` skips the tests that take more than a few seconds.
package e2e
