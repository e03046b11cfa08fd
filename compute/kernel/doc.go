// Package kernel holds the arithmetic loops in plain Go: the reference that
// every faster implementation must equal bit for bit.
//
// What it owns: the order of operations. No memory, no goroutine, no choice of
// dtype beyond the f32 it computes in.
//
// Invariants:
//   - An inner product has 16 lanes. Lane j sums k = j, j+16, j+32, ... in
//     ascending order by fused multiply-add; then lanes are added pairwise, j
//     with j+8, then +4, +2, +1. A result depends on nothing but its own
//     operands: not on other rows, not on how outputs are split over threads.
//   - A fused multiply-add rounds once, as the f32 instructions of AVX2,
//     AVX-512 and NEON do.
//   - Attention walks tiles of 16 positions that begin at multiples of 16, and
//     merges them in ascending order, so a row's result does not depend on how
//     its prompt was cut.
//   - No expression is left for the compiler to fuse: products that are added
//     are either FMA or float32(a*b)+c.
//
// The inner loops are excluded from the race detector: they touch only slices
// their caller owns, and instrumenting every load makes the tests an hour long.
//
// References: Kahan's TwoSum; Boldo and Melquiond, "Emulation of FMA and
// correctly rounded sums: proved algorithms using rounding to odd" (2008);
// Milakov and Gimelshein, arXiv 1805.02867, for online softmax.
package kernel
