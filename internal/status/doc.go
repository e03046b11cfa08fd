// Package status reads the state of a cluster and describes it: the records in
// the registry, joined with the leader's view of them. The description is a
// client.Status, which hachi status prints as a table or as JSON.
//
// What it owns: nothing that outlives a call. A View is a copy.
//
// Concurrency: all functions may be called from any goroutine.
package status
