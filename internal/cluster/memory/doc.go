// Package memory keeps a registry in this process: for a cluster that runs in
// one process, and for tests that need no etcd.
//
// What it owns: keys with revisions, and leases that end unless they are
// renewed.
//
// Invariants:
//   - Readers and writers share no memory: values are copied both ways.
//   - A lease ends at its TTL after its last renewal, whether or not its owner
//     still runs, and its keys end with it.
//   - It can always be reached: what a registry does when its store cannot be
//     reached is shown with etcd.
//
// Concurrency: all methods may be called from any goroutine. Store starts no
// goroutine but the renewal of an election's lease, which ends with its
// context.
package memory
