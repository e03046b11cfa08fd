// Package moe holds the nouns every part of hachi shares: experts, nodes,
// replicas, placements, routings, the expert call itself and the closed list
// of error kinds.
//
// What it owns: vocabulary only. It imports the standard library and nothing
// of ours, starts no goroutine, and knows no transport.
//
// Invariants: a Placement never changes after it is built; an Epoch only
// grows; an ExpertID is two small ints, never a string.
//
// Concurrency: all types are plain values. A *Placement may be shared freely
// because it is immutable.
//
// References: Mixtral of Experts, arXiv 2401.04088; DeepEP for the words
// dispatch and combine.
package moe
