// Package sidecartest is a helper in Go, which computes with the reference backend:
// for tests of nodes with a helper, where no Python is, and an example of the
// protocol from the other side.
//
// A test binary is its own helper: TestMain calls Main first, and the command of the
// helper is the binary.
//
// Concurrency: one goroutine hears one node.
package sidecartest
