// Package backendtest is what every backend must pass: Run (or RunBF16) from a test of the
// backend, and SameBits beside another backend of its numerics family.
//
// What it tests, the strictest first:
//
//	rows      a row has the same bits whatever rows, experts, chunks, blocks or
//	          micro-batches are beside it, NaN included, on any number of threads,
//	          whatever logits are wanted
//	tails     shapes that are no multiple of a vector, rows that are no multiple
//	          of a tile, keys and values across the edges of blocks
//	values    every product, norm, rotation and softmax against float64
//	rounding  replies in the wire dtype, KV in its own, the intermediate row
//	life      load, unload, load again, errors with their kinds, concurrent calls
//
// Models are random, small and of several shapes; see shapes.
package backendtest
