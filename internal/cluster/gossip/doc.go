// Package gossip tells the processes of a cluster about each other's health
// within seconds, over memberlist.
//
// What it owns: one memberlist member and its listener (TCP and UDP on one
// port).
//
// Invariants: what it says is a hint. A process that left, died or restarted is
// reported by its name; a restarted process is accepted at once, because its
// member name is that of a run, and the death of a run is
// not reported while another run of the process lives. Members with another label are
// not heard.
//
// memberlist is kept from what no member sends, and from more than a cluster needs:
// packets and streams are checked before it reads them (transport), and members before it
// remembers them (members). So a stranger takes at most maxStreams times maxStream bytes, and
// one with a key of the gossip can tell lies about who is alive, and do no more.
//
// Concurrency: OnChange is called from one goroutine of this package, one
// change at a time, and may block without holding up memberlist. Leave and Kill
// join all goroutines of this package.
//
// References: Das et al., SWIM (DSN 2002); Dadgar et al., Lifeguard, arXiv
// 1707.00788.
package gossip
