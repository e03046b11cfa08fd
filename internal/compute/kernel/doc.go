// Package kernel holds the arithmetic loops: a definition of each in plain Go,
// and assembly that gives the same bits for the instruction sets of packages
// avx512, avx2 and neon.
//
// What it owns: the order of operations, and the choice of instructions. No
// goroutine; memory only in the Scratch its caller keeps.
//
// Invariants:
//   - An inner product has 16 lanes. Lane j sums k = j, j+16, j+32, ... in
//     ascending order by fused multiply-add, from zero, K padded with zeros to
//     a multiple of 16; then lanes are added pairwise, j with j+8, then +4, +2,
//     +1. A lane is a lane of one AVX-512 register, of two of AVX2, of four of
//     NEON. Dot is this definition.
//   - With bf16 weights lane j sums k = 32t+2j+1, then 32t+2j, t ascending, and
//     subnormals are zero. DotPairs is this definition. VDPBF16PS computes it
//     for rows of x that are bf16, FMA for all others; docs/adr/0017.
//   - A result depends on nothing but its own operands: not on other rows, not
//     on how outputs are split over threads, not on the instruction set.
//   - A fused multiply-add rounds once. FMA emulates it in Go.
//   - Attention walks tiles of 16 positions that begin at multiples of 16, and
//     merges them in ascending order, so a row's result does not depend on how
//     its prompt was cut. Values are added in ascending position.
//   - Exp is our own, the same polynomial everywhere. No expression is left for
//     the compiler to fuse: products that are added are either FMA or
//     float32(a*b)+c. Bits of a NaN are not promised.
//   - No loop reads beyond the last byte of an operand.
//
// How a product runs. A tile is 4 rows of weights times 1 to 6 rows of x; one
// load of x serves 4 rows of weights, and 24 registers hold the 16 lanes of
// each output. Few rows of x: the weights are read once, straight from the
// mapped bytes, widened in registers; meanwhile the next 4 rows come into the
// second-level cache. Many rows: 128 rows of x, of pairs 256, are packed for all of K; 32 rows
// of weights, in panels of 768 or 1024 columns, stay in the second-level cache
// while the tiles of x pass by, and the lanes of all outputs wait in memory from
// panel to panel. bf16 panels are read where they lie; f32 and f16 are widened
// and packed, so that what a tile reads lies in one stream. AVX-512 takes a panel
// of 64 rows of bf16 weights in one call per tile of x, which meanwhile fetches
// the next tile of x and a part of the next panel. Up to 12 rows of
// bf16 meet bf16 weights in slim tiles, which read one or two rows of weights at
// a time. Lanes are never added before K is done, so all ways give the same bits.
//
// How attention runs. Keys lie transposed in the cache, so that 16 positions of
// an element are one register: a register holds one lane of 16 inner products,
// and the tree adds whole registers. A tile is widened to f32 once, then all
// queries that see it take it, up to 6 at a time: scores, softmax and weighted
// values, with their accumulators in the second-level cache. Int8 has one scale
// per position and head; integers enter the same loops as f32, a score is
// multiplied by its key's scale, a weight by its value's.
//
// Integers. Weights in blocks of 16 rows (tensor.Int8, Int4 and Int4Affine)
// meet activations quantized per row and per group of 32 columns. The sum of a
// group is exact in 32 bits; an output is one chain over its groups, ascending:
// acc = FMA(sum, d*scale, acc), where weights have a minimum followed by
// acc = FMA(minimum, -(scale*sum of x), acc). A lane is an output, so no tree is
// needed, and the sums may be formed by whatever instruction a processor has.
//
// Choice: Choose and Best look at the processor. Nothing is chosen at init and
// nothing is global: a *Kernels is handed to whoever computes. The build tag
// purego leaves the definitions alone.
//
// The inner loops are excluded from the race detector: they touch only slices
// their caller owns, and instrumenting every load makes the tests an hour long.
//
// References: Kahan's TwoSum; Boldo and Melquiond, "Emulation of FMA and
// correctly rounded sums: proved algorithms using rounding to odd" (2008);
// Milakov and Gimelshein, arXiv 1805.02867, for online softmax; Goto and van de
// Geijn, "Anatomy of high-performance matrix multiplication" (2008), for
// blocking; Dao, arXiv 2307.08691, for tiles that stay while queries pass.
package kernel
