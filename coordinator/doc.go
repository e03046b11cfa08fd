// Package coordinator is the process that decides which node serves which
// expert: it is elected, watches, plans and publishes.
//
// What it owns: target and placement in etcd, while it leads.
//
// Invariants:
//   - It is never on the data path.
//   - A change is: write the target, wait until nodes report the experts
//     resident, publish the placement at the next epoch. Nothing is published
//     with an expert lacking a resident replica.
//   - Every write is fenced by the election key's revision and the previous
//     value's.
//   - For twice the TTL after it won an election no node counts as lost: their
//     leases may have ended together with etcd. Loss of more than half of the
//     nodes at once waits while gossip calls them alive.
//   - On an empty etcd the epoch goes on above the highest that anyone reports.
//
// Concurrency: state is pure and belongs to Run's goroutine; the gRPC service
// reads snapshots.
package coordinator
