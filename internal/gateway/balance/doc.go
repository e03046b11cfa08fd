// Package balance chooses the router of a gateway that gets a request.
//
// What it owns: what the gateway knows of each router (its record, what gossip says,
// how calls ended, how many run there), and which prompts it has sent where.
//
// A prompt prefers the router that got the longest prefix of it, in blocks of the KV
// cache, and else the first in the order of rendezvous hashing by the beginning of the
// prompt: gateways that know nothing of each other prefer the same router. Loads are
// bounded: with n routers and m requests, a router that has
//
//	ceil(bound · (m + 1) / n)
//
// requests is passed over for the next in the order. Of the requests that one router says
// it has, as many count as those of the others make likely. A router that gossip suspects is
// chosen only when no other is left; one that drains, or serves another model, never. A
// router whose last calls failed gets no request while another is left, until it has
// answered a probe.
//
// Invariants: the same events at the same times give the same choices. A router that
// fails is not tried again before its backoff has ended, by a probe or by a request. At least one router is within
// the bound.
//
// Concurrency: none. The caller holds a lock. No clock: times are given.
//
// References: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit
// Rates", IEEE/ACM Transactions on Networking 6(1), 1998, for rendezvous hashing.
// Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA
// 2018, arXiv 1608.01350, for the bound.
package balance
