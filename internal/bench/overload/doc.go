// Package overload measures what a cluster does when more is asked of it than
// it can do: it serves a model from processes on this machine, finds what they
// can do at most, asks for a multiple of that, open loop, and looks at what
// becomes of the requests and of the processes' memory.
//
// What it owns: the cluster it starts, the load, the report.
//
// Invariants: capacity is the rate of good answers of a closed loop that keeps
// every place and a part of the queue taken, before the overload and after it; the goodput of the overload counts
// answers that end while requests arrive, by the same objective. Memory is what
// the processes have of their own (RssAnon): mapped weights are not in it.
//
// Concurrency: Run joins the goroutines it starts.
package overload
