// Package cpu is the backend for ordinary processors: Dense and Experts of
// package backend over the kernels of package kernel.
//
// What it owns: the worker pool, the KV bytes, scratch memory. Weights are
// borrowed, as mapped, until Unload or the end of the Dense.
//
// Invariants: threads split outputs, never the sum of one output, so the
// number of threads does not change a bit. K and V are rounded to the KV dtype
// when written and read back from the cache, even by the chunk that wrote them.
//
// A panic of a worker becomes a panic of the caller of the run, when every worker
// has left the loop: the pool can be used again. A page of a mapped weight that cannot
// be read, because the file was cut or its disk failed, is such a panic.
//
// A step in steady state allocates nothing: scratch grows to the largest step
// and stays.
//
// Concurrency: Experts may be used from any goroutine. Dense belongs to one.
// Both may share a Pool; its runs take turns. A worker that has finished its
// range of a run steals from the others. An idle worker spins for at most
// PoolOptions.Spin, if spinning found work lately, and then parks.
package cpu
