// Package planner decides which node should hold which expert.
//
// What it owns: nothing; Plan is a pure function.
//
// Invariants: the same input gives the same plan. No node holds two copies of
// an expert. Every expert gets its first copy before any gets its second. A
// node never gets more than its capacity. Experts whose node is lost or leaving
// are spread over the others; the rest stay where they are.
//
// Policies: column puts expert e of every layer on node e mod N, the shape the
// model was trained in. balanced places each layer by load, heaviest expert
// first on the least loaded node (Graham's LPT rule), and keeps what is
// resident unless a node would carry over a quarter more than its share.
//
// Concurrency: safe.
//
// References: Graham, "Bounds on multiprocessing timing anomalies" (1969);
// DeepSeek's EPLB for the replication of experts.
package planner
