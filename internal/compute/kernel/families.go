package kernel

import "unsafe"

// The loops come in families. A family is one signature. Where members differ
// in the number c of rows of x they take, a table holds them: entry c-1 takes c
// rows. The methods of Kernels have checked all addresses and lengths.
//
// Parameters are positional, not fields of a struct, because the members are
// assembly: an assembly function finds its arguments on the stack by the names
// of its Go declaration, and a struct of more than four fields would be written
// to memory twice for every call of a micro-kernel. Every family is therefore a
// named type, documented once, and these names mean the same in all of them:
//
//	lanes    accumulators: output (row r of w, row c of x) has its Lanes floats
//	         at lanes[(c*tileRows+r)*Lanes:]
//	carry    0: the accumulators start as zero; else they are continued
//	x, w, y  operands and result
//	xStride, wStride, yStride, qStride
//	         bytes from a row to the next
//	n        elements, a multiple of Lanes
//	steps    steps of K: Lanes elements, in pair kernels pairStep
//	step     bytes from what one step writes to what the next writes
//	ahead    bytes from the rows of w that are read to the rows to prefetch,
//	         which may lie anywhere
//	groups   groups of rows of w (pair panels) or of columns (quantized)
type (
	// tileKernel is the micro-kernel on operands as they lie: n products for
	// each of tileRows rows of w times c rows of x.
	tileKernel func(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int)

	// packedKernel is tileKernel on packed f32 operands: in every step the Lanes
	// floats of each row follow each other.
	packedKernel func(lanes, x, w unsafe.Pointer, steps, carry int)

	// pairKernel is tileKernel for bf16 weights and packed x.
	pairKernel func(lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int)

	// slimKernel is pairKernel for groups times tileRows rows of w, whose lanes follow
	// each other. Those that prefetch in the order of memory go on from group to group.
	slimKernel func(lanes, x, w unsafe.Pointer, wStride, steps, groups, ahead, carry int)

	// pairPanelKernel is pairKernel for groups times tileRows rows of w, whose
	// lanes follow each other. Meanwhile it prefetches, evenly: for every group
	// two of the rows that lie nextW bytes ahead of w, and for panelW rows of w
	// the steps of a tile of x that lie nextX bytes ahead of x. With nextX 0 no tile
	// follows: where panelAlone allows that, all rows are prefetched.
	pairPanelKernel func(lanes, x, w unsafe.Pointer, wStride, steps, groups, nextX, nextW, carry int)

	// pairPacker packs steps of one row of x. It returns non-zero if the packed
	// form cannot hold the values; what it wrote is then of no use.
	pairPacker func(dst, src unsafe.Pointer, steps, step int) (lost int)

	// reduceKernel adds the lanes of count times tileRows outputs by the tree.
	// The i-th group of tileRows floats goes to y + i*yStride bytes.
	reduceKernel func(y, lanes unsafe.Pointer, yStride, count int)

	// unpackKernel widens n elements to f32, exactly.
	unpackKernel func(dst, src unsafe.Pointer, n, step int)

	// scoresKernel multiplies c rows of q, n elements each, with the Tile columns
	// of keys [n, Tile]. Tile floats of each row follow each other at y. Lanes
	// and tree are those of Dot.
	scoresKernel func(y, q, keys unsafe.Pointer, qStride, n int)

	// softmaxKernel turns the scores p [n, Tile] of n rows, at most tileCols,
	// into weights. Positions outside first..last get 0. In this order:
	//
	//	p       = (p * keyScales) * scale
	//	new     = max(top, p)
	//	rescale = Exp(top - new)
	//	p       = Exp(p - new)
	//	sum     = sum * rescale + tree(p)
	//	p       = p * valueScales
	//	top     = new
	softmaxKernel func(p, top, sum, rescale, keyScales, valueScales unsafe.Pointer, n, first, last int, scale float32)

	// accumulatePVKernel is acc = acc * rescale, then acc = FMA(p[i], v[i], acc)
	// for i = 0..count-1, for c rows of acc and rows of v of n elements, which
	// follow each other. The weights of the next row lie Tile floats on.
	accumulatePVKernel func(acc, p, v, rescale unsafe.Pointer, n, count int)

	// dotKernel multiplies BlockRows rows of a quantized strip with c rows of x,
	// which quantize packed for weights of that type. groups is a number of whole
	// blocks. It writes BlockRows floats for each row of x, or adds to them when
	// carry is set. Meanwhile it prefetches some lines for every group, see
	// fetches: the first lies ahead bytes from w, the others step bytes
	// apart.
	dotKernel func(y, x, w unsafe.Pointer, yStride, groups, ahead, step, carry int)

	// groupKernel reduces each of groups groups of GroupCols values to one.
	groupKernel func(dst, x unsafe.Pointer, groups int)

	// quantKernel is q = x*inv rounded to even in [-127, 127], with the sum of
	// each group. What is not a number becomes -127.
	quantKernel func(q, sums, x, inv unsafe.Pointer, groups int)
)
