// Package lastshard keeps on disk which experts an expert node was given last, so
// that a node that restarts while etcd is away loads them again.
//
// What it owns: one file in the state directory of a node.
//
// Invariants: the file is replaced at once, and holds its own SHA-256: a torn or
// damaged file, and one of another node or model, recalls nothing.
//
// Concurrency: one caller at a time.
package lastshard
