package main

import "fmt"

// panelHalves is the minimum number of rows of x for which a panel of AVX2 takes
// half of the lanes at a time: the lanes of fewer rows fit into 12 registers.
const panelHalves = 4

// pairPanel256 is a panel of pairs of AVX2: c rows of f32 x, which stay in the first
// level, times groups of 4 rows of w, two of them at a time. Y12 and Y13 hold
// elements of w, Y14 of x, Y15 a mask. One load serves more sums than with 4 rows
// and 3 columns at a time, and w is used as it lies: a copy widened to f32 would be
// twice as much to read.
type pairPanel256 struct{ c int }

// passes are the halves of the lanes that each walk over two rows takes.
func (p pairPanel256) passes() [][]int {
	if p.c < panelHalves {
		return [][]int{{0, 1}}
	}
	return [][]int{{0}, {1}}
}

func (p pairPanel256) write(a *asm) {
	a.frame(fmt.Sprintf("SplitPanelx%d", p.c), 8, 72)
	subnormals(a)
	a.args("lanes", "DI", "x", "R8", "w", "DX", "wStride", "R11", "steps", "R9", "groups", "BX", "nextX", "R10", "nextW", "R13", "carry", "AX")
	// R12 leads from the row of w that the first walk over two rows prefetches to
	// that of the second: none if other tiles of x follow.
	a.ops("VBROADCASTSS high<>(SB), Y15", "MOVQ R11, R12", "XORQ CX, CX", "TESTQ R10, R10", "CMOVQNE CX, R12",
		"ADDQ R8, R10", "ADDQ DX, R13", "MOVQ R9, R14", "SHLQ $6, R14")
	a.line("group:")
	for pair := range tileRows / 2 {
		for i, halves := range p.passes() {
			p.walk(a, pair, i, halves)
		}
		a.op("LEAQ (DX)(R11*2), DX")
	}
	a.ops(fmt.Sprintf("ADDQ $%d, DI", 64*tileRows*p.c), "DECQ BX", "JNZ group")
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

// walk multiplies two rows of w with all rows of x, for some halves of the lanes,
// and prefetches meanwhile.
func (p pairPanel256) walk(a *asm, pair, pass int, halves []int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, 2*pair+pass) }
	each := func(f func(reg, at int)) {
		for h, half := range halves {
			for col := range p.c {
				for r := range 2 {
					f((h*p.c+col)*2+r, 64*(col*tileRows+2*pair+r)+32*half)
				}
			}
		}
	}
	a.ops("MOVQ R8, SI", "MOVQ R9, CX", "TESTQ AX, AX", "JNZ "+label("carry"))
	each(func(reg, _ int) { a.op("VXORPS Y%[1]d, Y%[1]d, Y%[1]d", reg) })
	a.op("JMP %s", label("loop"))
	a.line("%s:", label("carry"))
	each(func(reg, at int) { a.op("VMOVUPS %d(DI), Y%d", at, reg) })
	a.line("%s:", label("loop"))
	a.op("PREFETCHT1 (R13)")
	if len(halves) == 2 {
		a.op("PREFETCHT1 (R13)(R11*1)")
	}
	if pair+pass == 0 {
		a.ops("PREFETCHT1 (R10)", fmt.Sprintf("ADDQ $%d, R10", 128*p.c/panelGroups))
	}
	p.step(a, halves)
	a.ops(fmt.Sprintf("ADDQ $%d, SI", 128*p.c), "ADDQ $64, DX", "ADDQ $64, R13", "DECQ CX", "JNZ "+label("loop"))
	each(func(reg, at int) { a.op("VMOVUPS Y%d, %d(DI)", reg, at) })
	a.ops("SUBQ R14, DX", "SUBQ R14, R13")
	switch {
	case len(halves) == 2:
		a.op("LEAQ (R13)(R11*2), R13")
	case pass == 0:
		a.op("ADDQ R12, R13")
	default:
		a.op("ADDQ R11, R13")
	}
}

// step adds the products of 32 elements of K: of the odd ones, then of the even ones.
func (p pairPanel256) step(a *asm, halves []int) {
	for odd, parity := range []int{0, 64} {
		for h, half := range halves {
			for r, row := range []string{"(DX)", "(DX)(R11*1)"} {
				if odd == 0 {
					a.op("VANDPS %d%s, Y15, Y%d", 32*half, row, 12+r)
				} else {
					a.ops(fmt.Sprintf("VMOVUPS %d%s, Y%d", 32*half, row, 12+r), fmt.Sprintf("VPSLLD $16, Y%[1]d, Y%[1]d", 12+r))
				}
			}
			for col := range p.c {
				a.op("VMOVUPS %d(SI), Y14", 128*col+parity+32*half)
				for r := range 2 {
					a.op("VFMADD231PS Y14, Y%d, Y%d", 12+r, (h*p.c+col)*2+r)
				}
			}
		}
	}
}
