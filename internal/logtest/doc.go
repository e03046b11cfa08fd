// Package logtest keeps what a test's subject logs, so that the test can read it
// while goroutines of the subject still write.
//
// Concurrency: a Log may be written and read by any number of goroutines.
package logtest
