// Package failure is the one table from an error to what a client and the
// metrics see of it: HTTP status, gRPC code, OpenAI's type and code.
//
// What it owns: the table, and the recovery from a panic while a request is
// answered.
//
// Invariants: every exported error of the tree that a request can meet has a
// row, and every moe.Kind; a test finds those without. An error without a row is
// our fault: 500, INTERNAL, server_error.
//
// Concurrency: pure.
package failure
