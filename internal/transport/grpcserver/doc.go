// Package grpcserver makes gRPC servers that other processes may call.
//
// What it owns: the recovery from a handler's panic, and the limits of a
// connection.
//
// Invariants: a panic ends its call with INTERNAL and is logged with its stack; the
// process lives on. A connection has at most MaxStreams calls at once, begins within HelloWithin, and one that
// pings more often than every MinPing is closed.
//
// Concurrency: handlers run on gRPC's goroutines. A panic in a goroutine that a
// handler started is the handler's to recover.
package grpcserver
