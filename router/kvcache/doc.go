// Package kvcache counts the blocks of the KV cache: which are free and which
// belong to a sequence.
//
// What it owns: block numbers, not bytes; the bytes are the backend's.
//
// Invariants: free + used == total; a block has at most one owner until prefix
// reuse gives it more; a block is never freed twice.
//
// Concurrency: none. The engine's goroutine owns it. No clock, no lock.
//
// References: Kwon et al., arXiv 2309.06180.
package kvcache
