// Package sealed is a store whose records are signed by the processes that wrote
// them: to write into etcd is not enough to be a node, or to place experts.
//
// What it owns: the form of a sealed record, and the table of keys and of the roles
// that may write them.
//
// Invariants: a record that reaches the registry was signed for its key by a
// process that may write that key, or is the error that says why it was not. The
// key, the lease and the revisions of such a record stay as they are, so that the
// record can be replaced.
//
// A record may be replayed by somebody who can write to the store: one that its
// owner once wrote, at its own key. Epochs and leases bound what that does.
//
// Concurrency: as the store inside.
package sealed
