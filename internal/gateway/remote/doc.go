// Package remote is an engine whose tokens are drawn by routers.
//
// What it owns: the resolved request of every answer, with the ids of the tokens that
// it has sent on; the calls to routers; what the gateway knows of routers (a
// balance.Table behind a lock).
//
// An answer is drawn by one router at a time. When the router's call fails, the router
// stops, or nothing comes from it for a time (no token and no heartbeat), the answer
// goes on at another router, from the prompt and the tokens so far. It leaves a router
// that drains at once, if another is there; to wait for the end of the router's grace
// would only make the restart longer. A router that has failed is probed until it
// answers: no answer finds out by a stall of its own. Routers of one fingerprint draw
// the same tokens, so the reader sees a pause and nothing else.
//
//	waiting ── a router is chosen ──▶ asking ── its header ──▶ drawing ── the end ──▶ done
//	   ▲                                │                         │
//	   └── refused, failed, silent ◀────┴── failed, silent ◀──────┘
//
// Invariants: an event is pushed once, in order, and no event after the last. An
// answer never goes on at a router of another fingerprint. What a router sends beyond what
// the request asks for is not believed, and the answer goes on at another one. Tries end with the request's
// deadline, not with a count. A request that no router has taken yet and that routers
// refuse because they are full is sent on within a budget, and then refused. The number
// of requests is bounded.
//
// Concurrency: Engine is safe. Each answer has a goroutine, which ends with the
// request's context at the latest.
package remote
