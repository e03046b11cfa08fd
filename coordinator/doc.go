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
//   - A replica is published only when its node is bound to keep it: because it
//     has reported under the target that names it, or because the published
//     placement names it. A node may drop anything else at any time.
//   - Every write is one transaction, fenced by the election key's revision and
//     by the last target and placement.
//   - For twice the TTL after it won an election or reached etcd anew no node
//     counts as lost: their leases may have ended together with etcd. A node
//     that lost its record while gossip hears it gets one more TTL; when most
//     are missing, those that gossip hears are waited for.
//   - On an empty etcd the epoch goes on above the highest that anyone reports,
//     after everybody had the time to register again.
//   - What it writes depends on what it reads alone: the next leader, and the
//     same one a second later, writes nothing.
//   - Load moves experts of a balanced placement only, only when a layer has
//     been out of balance for a while, a few at a time and with a pause between.
//
// Concurrency: state is pure and belongs to Run's goroutine; the gRPC service
// reads snapshots.
//
// References: DeepSeek's EPLB for balancing experts by measured load.
package coordinator
