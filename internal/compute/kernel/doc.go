// Package kernel holds the arithmetic loops: a definition of each in plain Go,
// and assembly that gives the same bits for the instruction sets of packages
// avx512, avx2 and neon.
//
// What it owns: the order of operations and the choice of instructions. It
// starts no goroutine and keeps no memory but the Scratch of its caller.
//
// # Invariants
//
// docs/numerics.md is the contract of the whole product. These are its rules
// for loops:
//
//   - A dot product has 16 lanes. Lane j sums k = j, j+16, j+32, ... in
//     ascending order by fused multiply-add, from zero, K padded with zeros to
//     a multiple of 16. Then lanes are added pairwise: j with j+8, then j+4,
//     j+2, j+1. Dot is this definition. A lane is a lane of one AVX-512
//     register, of two AVX2 registers, of four NEON registers.
//   - With bf16 weights lane j sums k = 32t+2j+1, then k = 32t+2j, t ascending,
//     and subnormal operands and sums are zero. DotPairs is this definition.
//     VDPBF16PS computes it for rows of x that are bf16, FMA for all others.
//   - In FamilyAMX, products with bf16 weights are added in runs of 32 instead:
//     DotRuns is their definition. TDPBF16PS computes it for rows of x that are
//     bf16, FMA for all others. In says in which family an implementation computes.
//   - A result depends on nothing but its own operands: not on other rows of x,
//     not on how outputs are split over threads, not on the instruction set.
//   - A fused multiply-add rounds once. FMA emulates it in Go.
//   - Attention walks tiles of 16 positions that begin at multiples of 16 and
//     merges them in ascending order, so a row's result does not depend on how
//     its prompt was chunked. Values are added in ascending position.
//   - Exp is our own, the same polynomial everywhere. No expression is left for
//     the compiler to fuse: products that are added are either FMA(a, b, c) or
//     float32(a*b)+c. The bits of a NaN are not promised.
//   - No loop reads beyond the last byte of an operand.
//
// # A matrix product, in the words of BLIS
//
// MatMul computes y [rows, outputs] = x [rows, K] times w [outputs, K]
// transposed. It never adds the lanes of an output before K is done, so every
// path below gives the same bits.
//
//	              K in steps of 16 elements (32 with bf16 weights)
//	             |   panel of K    |    next panel     |
//	             +-----------------+-------------------+
//	4 rows of w  | micro-panel of w                    |  --.
//	             +-----------------+-------------------+    |  micro-kernel:
//	4 rows of w  |                 |                   |    |  4 x 6 outputs of
//	...          | panel of w      |                   |    |  16 lanes, held in
//	             +-----------------+-------------------+    |  24 registers
//	             +-----------------+-------------------+    |
//	6 rows of x  | micro-panel of x (tile)             |  --'
//	             +-----------------+-------------------+
//	6 rows of x  |                 |                   |
//	...          | block of x      |                   |
//	             +-----------------+-------------------+
//
// Packing rewrites x (and f32 or f16 weights) so that a micro-panel is one
// stream: in every step, the elements of all its rows.
//
//	weights       rows of x   x is packed as                     w is packed as
//	f32, f16      1..12       not packed                         not packed
//	f32, f16      13 or more  f32                                f32
//	bf16          any         f32, odd elements before even      not packed
//	bf16          any, all    bf16, where the processor has      not packed
//	              of bf16     VDPBF16PS
//	bf16, in      any         f32, or bf16 for tiles             panels of 16 rows
//	FamilyAMX
//	int8, int4    any         int8 with a scale per group of     blocks of 16 rows
//	                          32; by halves where 16 bits must
//	                          hold sums of products with int8
//	int8, int4    16 or more  the same, 16 rows at once          panels of 16 rows
//	by tiles
//	others        any         as for f32                         f32, widened 32 rows at a time
//
// The micro-kernel adds the products of one micro-panel of w and one of x to
// the lanes of their outputs. Its variants:
//
//	micro-kernel   rows of w  rows of x  weights    reads w
//	tile           4          1..6       f32, f16   where it lies, prefetching ahead
//	packedTile     4          1..6       f32, f16   packed
//	pair tile      4          1..6       bf16       where it lies, prefetching ahead
//	pair row       4          1          bf16       one row after the other
//	slim pair      4          1..12      bf16       one or two rows at a time, prefetching
//	                                                in the order of memory from 3 rows of x on
//	pair panel     64         1..6       bf16       where it lies, prefetching the next panel
//	dot            16         1..8       quantized  block by block, prefetching ahead
//	                                                or the next blocks, see fetches
//	wide           16         16         quantized  as a panel of bytes
//	run            16         1..6       bf16       as a panel of pairs
//	run tile       16 or 32   1..32      bf16       as a panel of pairs
//
// The macro-kernel runs the micro-kernels of one panel while lanes wait in
// memory. Its block sizes, and what each keeps in which cache:
//
//	size                      f32, f16  bf16     bf16 by panel  kept in
//	rows of x packed at once  128       256      256            -
//	rows of x with lanes      128       64       128            2nd level (lanes)
//	rows of w in a block      32        32       64             2nd level (panel of w)
//	elements of K in a panel  768       1024 or  512 (AVX2),    1st level (tile of x)
//	                                    2048     1024 or 2048
//
// # Attention
//
// Keys lie transposed in the cache, [headDim, 16 positions], so a register
// holds one lane of 16 dot products and the tree adds whole registers. For each
// tile of 16 positions:
//
//	Load     widen keys and values to f32, once for all queries
//	scores   s = q . k for up to 6 queries
//	softmax  m' = max(m, s); rescale = Exp(m - m'); p = Exp(s - m')
//	         l = l * rescale + sum of p
//	accumulatePV
//	         acc = acc * rescale + sum over positions of p * v
//
// Finish divides acc by l. tensor.KVInt8 has one scale per position and head: a score is
// multiplied by its key's scale, p by its value's.
//
// # Quantized weights
//
// Blocks of 16 rows (tensor.Int8, Int4 and Int4Affine) meet activations that are
// quantized per row and per group of 32 columns. The sum of a group is exact in
// 32 bits, so any instruction may form it. An output is one chain over its
// groups, ascending, and needs no tree:
//
//	acc = FMA(sum, d*scale, acc)
//	acc = FMA(minimum, -(scale * sum of x), acc)    if weights have a minimum
//
// # Choice
//
// Choose and Best look at the processor. Nothing is chosen at init and nothing
// is global: callers pass a *Kernels on. The build tag purego leaves only the
// definitions. Tiles (AMX) are used only where they are asked for by name.
//
// Several variants may compute one Product: other instructions, prefetch
// distances, panel sizes. All give the same bits, so With may put any of them in
// use, for each type of weights and class of rows apart; the first is the
// default. A variant is added to the table that holds its kind (pairsF32,
// pairsBF16, dot), and every test and measurement of variants finds it there.
//
// The inner loops are excluded from the race detector: they touch only slices
// that their caller owns, and instrumenting every load would make the tests
// take an hour.
//
// # References
//
// Van Zee and van de Geijn, "BLIS" (ACM TOMS 41(3), 2015), and Goto and van de
// Geijn, "Anatomy of high-performance matrix multiplication" (2008), for
// blocking and its words; Boldo and Melquiond, "Emulation of FMA and correctly
// rounded sums: proved algorithms using rounding to odd" (2008), and Kahan's
// TwoSum, for FMA; Milakov and Gimelshein, arXiv 1805.02867, for online
// softmax; Dao, arXiv 2307.08691, for attention by tiles; docs/adr/0004, 0005,
// 0016 and 0017 for what was measured.
package kernel
