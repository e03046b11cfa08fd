// Package registry is the cluster's memory in etcd: records of nodes and
// routers under leases, target and placement, drain requests, the election.
//
// What it owns: keys under one prefix, the leases of this process's records.
//
// Invariants:
//   - A session never ends by itself. A lost lease is granted again, the record
//     written again, for ever, with waits below the TTL.
//   - A watch delivers what etcd said, never a guess: silence is not an empty
//     set. A deleted target or placement is not delivered.
//   - The coordinator's writes are transactions that compare the election key's
//     create revision and the previous value's modification revision.
//
// Concurrency: all methods may be called from any goroutine. A watch's channel
// holds the latest value and is closed when its context ends.
//
// References: etcd's clientv3 and concurrency packages.
package registry
