// Package status reads the state of a cluster: the records in etcd and the
// leader's view of them.
//
// What it owns: nothing that outlives a call. A View is a copy.
//
// Concurrency: all functions may be called from any goroutine.
package status
