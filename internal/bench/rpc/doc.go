// Package rpc measures the hop, one expert call to a node in another process, with
// and without mTLS, beside two things that anyone can judge it by: a raw TCP
// ping-pong and a default unary gRPC call of the same payload, both ways, in the
// same run.
//
// What it owns: the node and spinner processes it starts, an authority whose
// certificates they show, and for the time of a measurement the cores that this
// process may run on.
//
// Invariants: in every round all variants take their turn on a shape before the
// next shape, so that a machine that becomes slower becomes so for all of them.
// Every number is the median of the rounds, and a ratio is the median of the
// rounds' ratios, never one of medians. A reply of another length, or in the
// first trip of other bytes, is an error.
//
// Concurrency: Run is to be called once at a time: it moves the process between
// cores and counts its allocations.
package rpc
