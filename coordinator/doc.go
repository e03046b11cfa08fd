// Package coordinator is the process that decides which node serves which
// expert: it is elected, watches, plans and publishes.
//
// What it owns: target and placement in etcd, while it leads.
//
// # A cluster member
//
//	                     record appears
//	        +---------------------------------------------+
//	        v                                             |
//	+---------+   drain request,    +----------+          |
//	| serving | ------------------> | draining |          |
//	|         | <------------------ |          |          |
//	+---------+   request undone    +----------+          |
//	     | record gone                   | record gone    |
//	     v                               |                |
//	+---------+  grace period ends  +---------+           |
//	| unseen  | ------------------> | heard   | ----------+
//	+---------+  gossip hears it    +---------+           |
//	     |                               | TTL passed,    |
//	     | grace period ends,            | or gossip      |
//	     | gossip does not hear it       | stops hearing  |
//	     v                               v                |
//	+----------------------------------------------+      |
//	| lost: evicted, its experts are placed again  | -----+
//	+----------------------------------------------+
//
//	state      a planner may               when
//	serving    give and take experts       its record is in etcd
//	draining   take experts only           its record is in etcd, and it announces that
//	                                       it leaves or an operator drains this run of it
//	unseen     change nothing of it        no record, and now < connected + 2 x TTL; or it
//	                                       is only known from target and placement, most
//	                                       members are missing, and the term is younger
//	                                       than a minute
//	heard      change nothing of it        no record, gossip hears it, and it is missing
//	                                       for less than one TTL, or most members are
//	lost       place its experts elsewhere otherwise; at once after it was draining
//
// connected is when etcd was last reached again: leases may have ended together
// with etcd, so for twice the TTL no absence counts.
//
// Invariants:
//   - It is never on the data path.
//   - A change is: write the target, wait until nodes report the experts
//     resident, publish the placement at the next epoch. Nothing is published
//     with an expert lacking a resident replica, with one exception: when nodes
//     died together and the others are full, a placement takes further copies of
//     other experts out, so that nodes may drop them, and keeps for the lost
//     experts the replicas that the published one names.
//   - A replica is published only when its node is bound to keep it: because it
//     has reported under the target that names it, or because the published
//     placement names it. A node may drop anything else at any time.
//   - Every write is one transaction, fenced by the election key's revision and
//     by the last target and placement.
//   - A missing node is evicted only if its absence is its own: see below.
//   - On an empty etcd the epoch continues above the highest that any node or
//     router reports, after every process had the time to register again.
//   - What it writes depends only on what it reads: the next leader, or the same
//     one a second later, writes nothing.
//   - Load moves experts of a balanced placement only, only when a layer has
//     been out of balance for a while, a few at a time and with a pause between.
//
// Concurrency: state is pure and belongs to Run's goroutine; the gRPC service
// reads snapshots.
//
// References: DeepSeek's EPLB for balancing experts by measured load.
package coordinator
