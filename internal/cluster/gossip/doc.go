// Package gossip tells the processes of a cluster about each other's health
// within seconds, over memberlist.
//
// What it owns: one memberlist member and its listener (TCP and UDP on one
// port).
//
// Invariants: what it says is a hint. A process that left, died or restarted is
// reported by its name; a restarted process is accepted at once, because its
// member name carries the time it started, and the death of its former run is
// not reported after that. Members with another label are not heard.
//
// Concurrency: OnChange is called from one goroutine of this package, one
// change at a time, and may block without holding up memberlist. Leave and Kill
// join all goroutines of this package.
//
// References: Das et al., SWIM (DSN 2002); Dadgar et al., Lifeguard, arXiv
// 1707.00788.
package gossip
