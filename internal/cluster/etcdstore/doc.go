// Package etcdstore keeps a registry in etcd.
//
// What it owns: one etcd client.
//
// Invariants:
//   - An etcd that comes back is found within a second or two: every back-off
//     stays below the TTL of a record.
//   - A watch never rests on another etcd than the one it read from: it probes
//     cluster, term and revision, and ends when one of them went back.
//   - A member that answers nothing while others do is left within a second or two,
//     by calls, watches and keepalives.
//
// Concurrency: all methods may be called from any goroutine.
//
// References: etcd's clientv3 and concurrency packages.
package etcdstore
