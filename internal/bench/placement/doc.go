// Package placement measures what a placement policy is worth: decode of the same
// tokens by the same expert nodes, which are unequal, under a load that is uneven,
// with the experts placed by one policy and by another, with more replicas or fewer, and
// in one piece or in micro-batches.
//
// What it owns: the cluster it starts; a router's core, in this process; the
// routing; the control groups that limit the nodes, and the namespaces that make their packets
// late; the rounds and the report.
//
// Every node holds every expert, so that only the placement differs: the router's
// core adopts that of one policy, measures, and adopts that of the next. The
// leader of the cluster makes the placements, from the rows that the core reports
// and the speeds that the nodes report, as `hachi plan --rebalance` does.
//
// Invariants: in a round all options decode the same tokens with the same routing,
// and a logit that differs by a bit between two of them is an error of the whole
// measurement. Options take turns, and the one that begins does too. Ratios are of
// the same round.
//
// Concurrency: one run at a time; it keeps the machine's cores busy.
package placement
