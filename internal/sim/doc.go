// Package sim runs a cluster in virtual time: hachi's own scheduler, dispatcher, expert
// queue, planner, coordinator and gateway table, with a simulated clock, network and
// compute. It answers what a cluster would do that is not at hand.
//
// What it owns: the run of one simulation, from a scenario and a trace to a report.
//
// # What is the product's, and what is simulated
//
//	part                     the product's                               simulated
//	router                   scheduler, KV cache, admission, choice of   attention, the order of micro-batches
//	                         micro-batches, dispatch.Layer (hedges,      and the stall of pipeline.Runner and
//	                         failover, suspicion, choice of replica)     the engine's loop
//	expert node              batcher (queue, merging, refusal, fit of    experts, loading
//	                         speed), Duties (what to load and unload)
//	coordinator              Machine (membership, planner, placements,   election, leases, watches, gossip
//	                         rebalancing)
//	gateway                  balance.Table, balance.Budget               connections
//	network                  none                                        latency, NICs, CPU of messages, incast
//
// No decision is written twice. The engine's loop is: collect, schedule, run, observe,
// commit; it is repeated here as events, as are the goroutines of Runner and of the
// watches. Rows have one column of no value, and no logits are drawn: a request ends when
// its answer is as long as the trace says. Speculation is not simulated. A canceled batch
// runs to its end.
//
// # Events
//
// An expert call is three events: it reaches the NIC of its node, its batch ends, and its
// reply reaches the NIC of its router. What comes between them is computed when they fire,
// since NICs and the CPU of messages serve in order of arrival: nothing that comes later
// can change it. A node so begins a batch as of the time at which it will have received
// the call, and a router looks at replies when the last one of a layer is there, each with
// the clock of its own time (inbox.go). Processes that share a host are the exception:
// how fast they compute depends on the others, and an event receives each call.
//
// # A run
//
// The cluster forms first: nodes load what the coordinator gives them, and routers adopt
// its placement. Then the trace begins. Every process has a queue at its NIC and at the
// CPU that handles messages; processes on one host share its cores. A killed process
// refuses connections; one that is cut off is silent. Clients are beside the gateway.
//
// One cluster may serve several loads, one after another; what its processes have learned
// stays (RunAll). The next process of a killed node takes a core before it is registered.
//
// Invariants: the same scenario, seed and trace give the same report, byte for byte, with
// any number of workers.
// Every run checks that no request is lost (each ends once, or is at one router), that
// epochs of targets and placements rise, that a placement names a replica only where the
// expert is resident or was named before, that no node computes, or is asked for, an
// expert that it does not hold (one that has started again may be asked), that no node
// holds more than its capacity, and that schedulers and KV caches are consistent.
//
// Concurrency: one goroutine handles the events of a run. Workers, of which there may be
// none, do what routers' dispatchers have to do before their results are needed (ahead.go);
// a mutex for each router is between them. Runs are independent of each other.
//
// References: package machine has the cost model, package trace the workloads, package
// scenario the file. Bench: BenchmarkThousandNodes.
package sim
