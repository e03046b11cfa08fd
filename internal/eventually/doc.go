// Package eventually waits in tests until a condition is true, where no event
// announces it: a record of another process, a metric, a closed port.
//
// A test that can block on a channel, or run inside testing/synctest, does so
// instead.
//
// Concurrency: a condition is called on the goroutine of the test.
package eventually
