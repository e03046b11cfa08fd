package main

// dotCols is the maximum number of rows of x of a product of integers.
const dotCols = 8

// blocks is one quantized type: its layout in internal/compute/tensor.
type blocks struct {
	name   string
	four   bool // 4-bit integers
	affine bool // with minima; factors of scales and minima follow the integers
}

var blockTypes = []blocks{{name: "Dot8x"}, {name: "Dot4x", four: true}, {name: "DotAffinex", four: true, affine: true}}

const (
	affineGroups = 4
	fetchAhead   = 2048 // bytes ahead of the weights that all lines are prefetched
	leadAhead    = 4096 // bytes ahead of the weights that one line is prefetched
)

// scaleAt is where the scales, or their factors, lie in a group.
func (b blocks) scaleAt() int {
	if b.four {
		return 256
	}
	return 512
}

// size of a group with its scales.
func (b blocks) size() int { return b.scaleAt() + 32 }

// few reports whether AVX-512 multiplies c rows of x faster than memory delivers
// the weights to a core.
func (b blocks) few(c int) bool { return c <= dotCols/2 && !(b.four && c == dotCols/2) }

// prefetch fetches weights of a later group. Where memory is slower than
// arithmetic, the hardware prefetcher does that if one prefetched line leads it
// into the next page, and more prefetches only delay it: docs/adr/0005.
func (b blocks) prefetch(a *asm, lead bool) {
	if lead {
		a.op("PREFETCHT1 %d(DX)", leadAhead)
		return
	}
	for at := 0; at < b.size(); at += 64 {
		a.op("PREFETCHT0 %d(DX)", fetchAhead+at)
	}
}

// xBlock is the size of one group of c packed rows of x: 32 bytes of each, the
// offset of each, the scale of each.
func xBlock(c int) (offsets, scales, size int) { return 32 * c, 36 * c, 40 * c }

// dotArgs loads the arguments of a product and enters its loop; zero and load
// write the code that starts or continues the products.
func dotArgs(a *asm, zero, load func()) {
	a.args("y", "DI", "x", "SI", "w", "DX", "yStride", "R8", "groups", "CX")
	a.ops("MOVQ carry+40(FP), AX", "TESTQ AX, AX", "JNZ carry")
	zero()
	a.op("JMP start")
	a.line("carry:")
	load()
	a.line("start:")
}
