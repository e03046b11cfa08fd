// Package staging makes a directory of files appear complete or not at all.
//
// What it owns: the hidden directory in which files are written, and the rename
// that publishes them.
//
// Invariants: the target does not exist or is empty before, and is never taken
// for a checkpoint while it is half written: config.json appears last. What is
// not published leaves nothing behind but what a killed process could not remove,
// a hidden directory beside the target.
//
// Concurrency: of several processes that publish one target, one succeeds.
package staging
