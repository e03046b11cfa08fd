// Package registry is what the processes of a cluster share: records of nodes
// and routers under leases, target and placement, drain requests, the election.
// A Store keeps them: etcd in production (etcdstore), memory for a cluster
// inside one process (memory).
//
// What it owns: keys under one prefix, the leases of this process's records.
//
// Invariants:
//   - A session never ends by itself. A lost lease is granted again, the record
//     written again, without a limit, with waits below the TTL.
//   - A process that claimed a name writes its records only while it holds the
//     name, and one process at a time holds a name. The name of a process that
//     runs is never given away.
//   - A watch delivers what the store said, never a guess: silence is not an empty
//     set. A deleted target or placement is not delivered.
//   - The coordinator's writes are guarded by the creation revision of its key
//     in the election and by the revisions of target and placement.
//
// Concurrency: all methods may be called from any goroutine. A watch's channel
// holds the latest value and is closed when its context ends.
//
// References: etcd's clientv3 and concurrency packages.
package registry
