// Package quantize makes weights smaller: a checkpoint directory whose matrices
// are blocks of 8-bit or 4-bit integers, or one matrix in memory.
//
// What it owns: the file it writes until it is renamed into place.
//
// Invariants: a directory is written beside its place and renamed, so it is
// never taken for a checkpoint while half made. The same weights give the same
// bytes, whatever the number of threads or the processor. Embedding, gates and
// norms keep their type; attention and head do unless asked for.
//
// The layout of blocks is that of package tensor; a header calls them U8 with
// shape [strips, blocks, bytes of a block]. Everything else about the directory
// is the source's.
//
// Concurrency: every call works on its own; it uses the threads it is given.
package quantize
