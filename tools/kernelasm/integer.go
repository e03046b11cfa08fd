package main

import "fmt"

// dotCols is the maximum number of rows of x of a product of integers.
const dotCols = 8

// leadCols is the maximum number of rows of x for which products can leave
// prefetching to the processor: with more, arithmetic is the limit.
const leadCols = 4

// blocks is one quantized type: its layout in internal/compute/tensor.
type blocks struct {
	name   string
	four   bool // 4-bit integers
	affine bool // with minima; factors of scales and minima follow the integers
}

var blockTypes = []blocks{{name: "8"}, {name: "4", four: true}, {name: "Affine", four: true, affine: true}}

const affineGroups = 4

// dots calls write for every product of integers: its name, its rows of x, its
// type of weights and which lines it prefetches.
func dots(write func(name string, c int, b blocks, lead bool)) {
	for c := 1; c <= dotCols; c++ {
		for _, b := range blockTypes {
			write(fmt.Sprintf("Dot%sx%d", b.name, c), c, b, false)
			if c <= leadCols {
				write(fmt.Sprintf("Lead%sx%d", b.name, c), c, b, true)
			}
		}
	}
}

// scaleAt is where the scales, or their factors, lie in a group.
func (b blocks) scaleAt() int {
	if b.four {
		return 256
	}
	return 512
}

// size of a group with its scales.
func (b blocks) size() int { return b.scaleAt() + 32 }

// lines is the number of lines that a group touches.
func (b blocks) lines() int { return (b.size() + 63) / 64 }

// prefetch fetches one of several parts of the lines of a group of later weights into
// the second level, R12 bytes apart; with lead the group has only one line, where the
// processor's own prefetcher goes on: docs/adr/0005.
func (b blocks) prefetch(a *asm, lead bool, part, parts int) {
	lines := b.lines()
	if lead {
		lines = 1
	}
	for range (part+1)*lines/parts - part*lines/parts {
		a.ops("PREFETCHT1 (R10)", "ADDQ R12, R10")
	}
}

// xBlock is the size of one group of c packed rows of x: bytes of each, the
// offset of each, the scale of each.
func xBlock(c, bytes int) (offsets, scales, size int) {
	return bytes * c, (bytes + 4) * c, (bytes + 8) * c
}

// dotArgs loads the arguments of a product and enters its loop; zero and load
// write the code that starts or continues the products.
func dotArgs(a *asm, zero, load func()) {
	a.args("y", "DI", "x", "SI", "w", "DX", "yStride", "R8", "groups", "CX", "ahead", "R10", "step", "R12", "carry", "AX")
	a.ops("ADDQ DX, R10", "TESTQ AX, AX", "JNZ carry")
	zero()
	a.op("JMP start")
	a.line("carry:")
	load()
	a.line("start:")
}
