// Package leaktest looks for goroutines that the tests of a package have left,
// where a library ends some of its own only a while after it was closed.
//
// Other packages use goleak.VerifyTestMain, which grants no such while.
//
// Concurrency: for TestMain only.
package leaktest
