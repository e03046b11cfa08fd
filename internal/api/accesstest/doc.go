// Package accesstest walks the listeners of a process with every credential by every
// spelling of a path, for tests.
//
// What it owns: the lists of routes, RPCs, credentials and spellings, and the judgment of
// an answer. A route or an RPC that its list does not name fails the walk.
//
// Concurrency: a walk belongs to one test.
package accesstest
