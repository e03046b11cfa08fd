// Package elasticity measures a cluster whose processes come and go under load: expert
// nodes join one after another, leave one after another, and every process of every
// role is restarted.
//
// What it owns: the cluster it starts, with two routers behind two gateways; the
// clients; the timeline and the report.
//
// Invariants: clients never pause, and every answer is compared with that of an
// undisturbed run. A request that fails and an answer that differs are errors of the
// whole measurement. A client reaches the gateways as behind a load balancer: each
// request has a connection of its own, to the first gateway that accepts it.
//
// Concurrency: one run at a time; it keeps the machine's cores busy.
package elasticity
