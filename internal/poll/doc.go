// Package poll is the habit of a waiter that may look for what it waits for
// before it parks: the workers of a pool between two loops, and the reads of a
// stream between two calls.
//
// To look costs the core. To park costs nothing while cores are shared, and tens
// of microseconds when the core halts meanwhile and has to be woken. So looking
// pays where the wait is short, and only there; what is waited for, how and for
// how long is the waiter's.
//
// Concurrency: a Patience belongs to one waiter.
//
// See docs/adr/0014 and 0015 for what was measured.
package poll
