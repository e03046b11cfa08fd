// Package libcuda opens the NVIDIA driver's library at run time, without cgo.
//
// What it owns: the handle of libcuda.so.1, until the process ends.
//
// Invariants: no library is opened before Open is called. Importing the package makes
// a binary need the C library's loader, so that only a binary built with the tag cuda
// imports it (cmd/hachi), and tests. On a platform other than Linux on amd64 and arm64
// Open returns an error that says so.
//
// Concurrency: any goroutine may call a Library.
//
// Reference: github.com/ebitengine/purego.
package libcuda
