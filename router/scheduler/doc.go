// Package scheduler decides which sequences advance in the next step, and by
// how much.
//
// What it owns: the waiting and running queues and the block tables of running
// sequences.
//
// Invariants: 0 <= Computed <= len(Tokens). There is no prefill mode: a
// sequence's next span is how far Tokens is ahead of Computed, cut to the
// token budget. Sequences with one token to go (decode) come first, so a long
// prompt never starves them. Without a free block the youngest running
// sequence is preempted: its blocks are freed, Computed returns to 0, it goes
// to the front of the queue; its tokens are kept, so the recomputed bits are
// the same.
//
// Concurrency: none. The engine's goroutine owns it. No clock, no lock.
//
// References: vLLM's words; Agrawal et al., arXiv 2308.16369, for chunked
// prefill.
package scheduler
