// Package moepb turns the nouns of package moe into the messages that cross
// the wire or rest in etcd, and back.
//
// What it owns: nothing; every function is pure. It stands apart from moe so
// that moe stays free of generated code, and apart from transport and cluster
// because both speak these messages.
//
// Invariants: FromX(ToX(v)) equals v. A decoded Placement is complete: a
// message with a hole in it is an error.
package moepb
