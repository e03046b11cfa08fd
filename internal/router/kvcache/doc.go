// Package kvcache counts the blocks of the KV cache: which are free, which
// belong to sequences, and which hold a prefix that a later sequence may read
// instead of computing it.
//
// What it owns: block numbers, not bytes; the bytes are the backend's.
//
// Every block is in one of three states:
//
//	free    no table refers to it, and its content is of no use
//	used    one or more tables refer to it
//	cached  no table refers to it, but the index knows its content
//
//	         Acquire, Grow                    Release, not in the index
//	  free ------------------> used ------------------------------------> free
//	                           |  ^
//	   Release, in the index   |  |  Acquire: a prefix hit
//	                           v  |
//	                          cached ---- Acquire, Grow: evicted ----> used
//
// A block enters the index when all its positions are computed. Its key is a
// hash chained over all tokens up to its end; an entry also holds the block's
// own tokens and the serial number of the entry before it. Serial numbers are
// never reused, so comparing both compares the whole prefix, and a collision
// of hashes can only cost a hit. Cached blocks are evicted when no block is
// free, least recently used first; a table gives its blocks back from the end,
// so a prefix outlives the blocks after it. A table shares blocks only with
// tables of the same salt.
//
// Invariants: free + used + cached == total. A block with more than one
// reference is in the index, and a block in the index is never written again:
// sharing is by whole blocks, so there is nothing to copy on write. The last
// token of a sequence is never read from the cache, because a step must compute
// its logits. Two blocks of equal content become one when the second is computed.
//
// Concurrency: none. The engine's goroutine owns it. No clock, no lock.
//
// References: Kwon et al., arXiv 2309.06180, for paging; Zheng et al., arXiv
// 2312.07104, for prefix reuse across requests.
package kvcache
