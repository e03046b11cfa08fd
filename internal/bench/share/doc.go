// Package share measures two clusters at once on one machine: how each fares beside the
// other, and how many threads want a core for every core there is, with the cores divided
// and with one budget of cores for both (internal/cores).
//
// What it owns: the clusters it starts, their load, the samples of their threads, the
// report.
//
// Invariants: every scene has clusters of its own, under a closed loop of the same
// requests. What threads had is read from the kernel and not from the processes: their time
// on a core, and their time ready without one (/proc/PID/task/TID/schedstat).
// Oversubscription is the sum of both over cores and time.
//
// A thread computes, in an interval between two samples, if it stays on a core for
// minStay or longer on average. Threads that send, receive and watch
// stay for 10 to 30 us. Go moves work between threads, so a thread that computes has
// some of their waits too: the number for those that compute is an upper bound.
//
// Concurrency: Run joins the goroutines it starts.
package share
