// Package calibrate fits the machine of a simulation to measurements, and judges the fit by
// measurements that it has not seen.
//
// What it owns: the parameters that are fitted, the search, the report and its figure.
//
// Limits of the machine come from elsewhere: bandwidth and arithmetic from bench kernel,
// latency, NIC and message from bench rpc. What bench scale measured beside a cell's rounds
// replaces the bandwidth for this cell: memory of a shared machine is faster in some minutes than
// in others. What is left is fitted, once for all
// cells: shares of the limits that kernels reach in a cluster, the launch of a kernel, and the
// time of a step, of a drawn token and of a call.
//
// Loads of one cluster are simulated one after another, as bench scale measured them: a
// router knows under one what it has learned under those before. Kills of bench failover are
// simulated at their times, with what a start takes of a core.
//
// Every third cell in the order of names is fitted to, faults apart, and the others judge.
// The fit minimizes the squared logarithms of simulated over measured throughput, ITL p50,
// TTFT p50 and E2E p50.
//
// Invariants: no parameter is of one cell. The same files give the same report.
//
// Concurrency: Run simulates cells on all cores and joins its goroutines.
//
// References: Nelder and Mead, "A Simplex Method for Function Minimization" (1965).
package calibrate
