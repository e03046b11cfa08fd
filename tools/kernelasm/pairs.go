package main

import "fmt"

// The product of bf16 weights takes elements of K in pairs: a step is 32 weights
// of a row, and lane j of 16 adds the product of element 2j+1, then that of 2j.
// x is packed by steps: either 16 odd and 16 even f32 of every row, or 32 bf16 of
// every row in their order.

// subnormals makes the thread treat subnormal numbers as zero, as VDPBF16PS does,
// and saves the previous mode on the stack.
func subnormals(a *asm) {
	a.ops("STMXCSR 0(SP)", "MOVL 0(SP), AX", "ORL $0x8040, AX", "MOVL AX, 4(SP)", "LDMXCSR 4(SP)")
}

// restore sets the mode that subnormals has saved.
func restore(a *asm) { a.op("LDMXCSR 0(SP)") }

// pairArgs loads the arguments of a tile of pairs and leaves the rows of w.
func pairArgs(a *asm) (w, ahead [6]string) {
	a.args("lanes", "DI", "x", "SI", "w", "DX", "wStride", "R11", "steps", "CX", "ahead", "R13")
	a.ops("LEAQ (R11)(R11*2), R12", "ADDQ DX, R13")
	return rowsAt("DX", "R11", "R12", ""), rowsAt("R13", "R11", "R12", "")
}

// tileOfPairs512 is what both tiles of AVX-512 share: one register of lanes for
// each of 4 rows of w times c rows of x, and a step that takes x bytes of every
// row of x.
func tileOfPairs512(a *asm, c, x int, w, ahead [6]string, step func()) {
	outs := tileRows * c
	a.op("MOVQ carry+48(FP), AX")
	startLanes512(a, "", inOrder(outs))
	for r := range tileRows {
		a.op("PREFETCHT1 %s", ahead[r])
	}
	step()
	a.ops(fmt.Sprintf("ADDQ $%d, SI", x*c), "ADDQ $64, DX", "ADDQ $64, R13", "DECQ CX", "JNZ loop")
	for i := range outs {
		a.op("VMOVUPS Z%d, %d(DI)", i, 64*i)
	}
}

// rowsOfPairs512 is tileOfPairs512 for one row of x, one row of w after the
// other, so that memory is read in its order. Z0 is the lanes of a row, and the
// step takes 64 bytes of the row at DX.
func rowsOfPairs512(a *asm, x int, step ...string) {
	a.ops("MOVQ lanes+0(FP), DI", "MOVQ x+8(FP), R8", "MOVQ w+16(FP), R10", "MOVQ wStride+24(FP), R11",
		"MOVQ steps+32(FP), R9", "MOVQ carry+48(FP), AX")
	for r := range tileRows {
		a.ops("MOVQ R10, DX", "MOVQ R8, SI", "MOVQ R9, CX", "TESTQ AX, AX", fmt.Sprintf("JNZ carry%d", r),
			"VPXORD Z0, Z0, Z0", fmt.Sprintf("JMP loop%d", r))
		a.line("carry%d:", r)
		a.ops(fmt.Sprintf("VMOVUPS %d(DI), Z0", 64*r), "PCALIGN $64")
		a.line("loop%d:", r)
		a.ops(step...)
		a.ops(fmt.Sprintf("ADDQ $%d, SI", x), "ADDQ $64, DX", "DECQ CX", fmt.Sprintf("JNZ loop%d", r),
			fmt.Sprintf("VMOVUPS Z0, %d(DI)", 64*r), "ADDQ R11, R10")
	}
}

// splitRows512 is splitTile512 for one row of x, row by row.
func splitRows512(a *asm) {
	a.line("\nTEXT ·SplitRows(SB), NOSPLIT, $8-56")
	subnormals(a)
	a.op("VPBROADCASTD high<>(SB), Z31")
	rowsOfPairs512(a, 128, "VPANDD (DX), Z31, Z24", "VPSLLD $16, (DX), Z25", "VFMADD231PS (SI), Z24, Z0", "VFMADD231PS 64(SI), Z25, Z0")
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

// pairRows512 is pairTile512 for one row of x, row by row.
func pairRows512(a *asm) {
	a.text("PairRows", 56)
	rowsOfPairs512(a, 64, "VMOVDQU32 (DX), Z24", "VMOVDQU32 (SI), Z28", dpbf16(0, 24, 28))
	a.ops("VZEROUPPER", "RET")
}

// split512 is the tile of f32 x.
func splitTile512(a *asm, c int) {
	a.frame(fmt.Sprintf("SplitTilex%d", c), 8, 56)
	subnormals(a)
	a.op("VPBROADCASTD high<>(SB), Z31")
	w, ahead := pairArgs(a)
	tileOfPairs512(a, c, 128, w, ahead, func() { splitStep512(a, c, w[:tileRows]) })
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

// splitStep512 is a step of c rows of f32 x with rows of w. Of few rows, odd and
// even elements have registers of their own.
func splitStep512(a *asm, c int, w []string) {
	for odd, half := range []int{0, 64} {
		first := 24 + odd*(tileRows-len(w))
		for r, address := range w {
			if odd == 0 {
				a.op("VPANDD %s, Z31, Z%d", address, first+r)
			} else {
				a.op("VPSLLD $16, %s, Z%d", address, first+r)
			}
		}
		for col := range c {
			a.op("VMOVUPS %d(SI), Z%d", 128*col+half, 28+col%3)
			for r := range w {
				a.op("VFMADD231PS Z%d, Z%d, Z%d", 28+col%3, first+r, col*len(w)+r)
			}
		}
	}
}

// pairTile512 is the tile of bf16 x.
func pairTile512(a *asm, c int) {
	a.text(fmt.Sprintf("PairTilex%d", c), 56)
	w, ahead := pairArgs(a)
	tileOfPairs512(a, c, 64, w, ahead, func() { pairStep512(a, c, w[:tileRows]) })
	a.ops("VZEROUPPER", "RET")
}

// pairStep512 is a step of c rows of bf16 x with rows of w.
func pairStep512(a *asm, c int, w []string) {
	for r, address := range w {
		a.op("VMOVDQU32 %s, Z%d", address, 24+r)
	}
	for col := range c {
		a.op("VMOVDQU32 %d(SI), Z%d", 64*col, 28+col%4)
		for r := range w {
			a.op("%s", dpbf16(col*len(w)+r, 24+r, 28+col%4))
		}
	}
}

// dpbf16 is VDPBF16PS Zm, Zn, Zd, which the assembler lacks (EVEX.512.F3.0F38.W0
// 52 /r).
func dpbf16(d, n, m int) string {
	not := func(v, bit int) int { return ^v >> bit & 1 }
	p0 := not(d, 3)<<7 | not(m, 4)<<6 | not(m, 3)<<5 | not(d, 4)<<4 | 2
	p1 := (^n&15)<<3 | 1<<2 | 2
	p2 := 2<<5 | not(n, 4)<<3
	return fmt.Sprintf("LONG $0x%02x%02x%02x62; WORD $0x%02x52 // VDPBF16PS Z%d, Z%d, Z%d", p2, p1, p0, 0xc0|(d&7)<<3|m&7, m, n, d)
}

// packPairs512 writes the two ways to pack x: steps of 32 elements, step bytes
// apart.
func packPairs512(a *asm) {
	a.text("SplitPairs", 32)
	a.args("dst", "DI", "src", "SI", "steps", "CX", "step", "DX")
	a.ops("VPMOVZXBD evens<>(SB), Z4", "VPADDD one32<>(SB), Z4, Z5")
	a.line("loop:")
	a.ops("VMOVUPS (SI), Z0", "VMOVUPS 64(SI), Z1", "VMOVAPS Z4, Z2", "VMOVAPS Z5, Z3",
		"VPERMI2PS Z1, Z0, Z2", "VPERMI2PS Z1, Z0, Z3", "VMOVUPS Z3, (DI)", "VMOVUPS Z2, 64(DI)",
		"ADDQ $128, SI", "ADDQ DX, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("NarrowPairs", 40)
	a.args("dst", "DI", "src", "SI", "steps", "CX", "step", "DX")
	a.ops("VPXORD Z4, Z4, Z4")
	a.line("loop:")
	a.ops("VMOVDQU32 (SI), Z0", "VMOVDQU32 64(SI), Z1", "VPORD Z0, Z4, Z4", "VPORD Z1, Z4, Z4",
		"VPSRLD $16, Z0, Z0", "VPSRLD $16, Z1, Z1", "VPMOVDW Z0, (DI)", "VPMOVDW Z1, 32(DI)",
		"ADDQ $128, SI", "ADDQ DX, DI", "DECQ CX", "JNZ loop",
		"VPSLLD $16, Z4, Z4", "VPTESTMD Z4, Z4, K1", "KMOVW K1, AX", "MOVQ AX, lost+32(FP)", "VZEROUPPER", "RET")
}

// splitTile256 holds 4 weight rows times c rows of f32 x.
func splitTile256(a *asm, c int) {
	a.frame(fmt.Sprintf("SplitTilex%d", c), 8, 56)
	subnormals(a)
	for i, p := range passes(c) {
		splitPass256(a, p, i, c)
	}
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

func splitPass256(a *asm, p pass, number, c int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, number) }
	w, ahead := pairArgs(a)
	a.op("MOVQ carry+48(FP), AX")
	accumulators256(a, p, label)
	a.line("%s:", label("loop"))
	if number == 0 {
		for r := range tileRows {
			a.op("PREFETCHT1 %s", ahead[r])
		}
		a.op("ADDQ $64, R13")
	}
	for odd, parity := range []int{0, 64} {
		for h, half := range p.halves {
			for col := range p.to - p.from {
				a.op("VMOVUPS %d(SI), Y%d", 128*(p.from+col)+parity+32*half, 12+h+col)
			}
			for r := range tileRows {
				a.op("VMOVUPS %d%s, Y15", 32*half, w[r])
				if odd == 0 {
					a.op("VPAND highs<>(SB), Y15, Y15")
				} else {
					a.op("VPSLLD $16, Y15, Y15")
				}
				for col := range p.to - p.from {
					a.op("VFMADD231PS Y%d, Y15, Y%d", 12+h+col, p.acc(r, col, h))
				}
			}
		}
	}
	a.ops(fmt.Sprintf("ADDQ $%d, SI", 128*c), "ADDQ $64, DX", "DECQ CX", "JNZ "+label("loop"))
	p.each(func(reg, at int) { a.op("VMOVUPS Y%d, %d(DI)", reg, at) })
}

// packPairs256 packs f32 x.
func packPairs256(a *asm) {
	a.text("SplitPairs", 32)
	a.args("dst", "DI", "src", "SI", "steps", "CX", "step", "DX")
	a.line("loop:")
	for half := range 2 {
		a.ops(fmt.Sprintf("VMOVUPS %d(SI), Y0", 64*half), fmt.Sprintf("VMOVUPS %d(SI), Y1", 64*half+32))
		for odd, imm := range []string{"0xdd", "0x88"} {
			a.ops("VSHUFPS $"+imm+", Y1, Y0, Y2", "VPERMPD $0xd8, Y2, Y2", fmt.Sprintf("VMOVUPS Y2, %d(DI)", 64*odd+32*half))
		}
	}
	a.ops("ADDQ $128, SI", "ADDQ DX, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")
}

// splitTile128 holds 4 weight rows times c rows of f32 x, half of the lanes at a
// time, columns by pairs.
func splitTile128(a *asm, c int) {
	a.text(fmt.Sprintf("SplitTilex%d", c), 56)
	a.ops("MOVD FPCR, R12", "ORR $0x1000000, R12, R13", "MOVD R13, FPCR", "MOVD $0xffff0000, R14", "VDUP R14, V31.S4")
	number := 0
	for from := 0; from < c; from += 2 {
		for half := range 2 {
			splitPass128(a, pass{from, min(from+2, c), []int{half}}, number, c)
			number++
		}
	}
	a.ops("MOVD R12, FPCR", "RET")
}

func splitPass128(a *asm, p pass, number, c int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, number) }
	a.ops("MOVD lanes+0(FP), R0", "MOVD x+8(FP), R1", "MOVD w+16(FP), R3", "MOVD wStride+24(FP), R8",
		"MOVD steps+32(FP), R9", "MOVD ahead+40(FP), R10", "MOVD carry+48(FP), R11",
		"ADD R8, R3, R4", "ADD R8, R4, R5", "ADD R8, R5, R6")
	cols, half := p.to-p.from, p.halves[0]
	acc := func(row, col int) int { return (col*tileRows + row) * 2 }
	each := func(f func(reg, at int)) {
		for col := range cols {
			for row := range tileRows {
				at := 64*((p.from+col)*tileRows+row) + 32*half
				f(acc(row, col), at)
				f(acc(row, col)+1, at+16)
			}
		}
	}
	a.op("CBNZ R11, %s", label("carry"))
	each(func(reg, _ int) { a.op("VEOR V%d.B16, V%d.B16, V%d.B16", reg, reg, reg) })
	a.op("B %s", label("loop"))
	a.line("%s:", label("carry"))
	each(func(reg, at int) { a.op("FMOVQ %d(R0), F%d", at, reg) })
	a.line("%s:", label("loop"))
	if number == 0 {
		for r := range tileRows {
			a.op("ADD R10, R%d, R15", 3+r)
			a.op("PRFM (R15), PLDL2KEEP")
		}
	}
	for odd, parity := range []int{0, 64} {
		for col := range cols {
			a.op("FMOVQ %d(R1), F%d", 128*(p.from+col)+parity+32*half, 16+2*col)
			a.op("FMOVQ %d(R1), F%d", 128*(p.from+col)+parity+32*half+16, 17+2*col)
		}
		for r := range tileRows {
			for q := range 2 {
				a.op("FMOVQ %d(R%d), F%d", 32*half+16*q, 3+r, 24+q)
				if odd == 0 {
					a.op("VAND V31.B16, V%d.B16, V%d.B16", 24+q, 24+q)
				} else {
					a.op("VSHL $16, V%d.S4, V%d.S4", 24+q, 24+q)
				}
			}
			for col := range cols {
				a.op("VFMLA V%d.S4, V24.S4, V%d.S4", 16+2*col, acc(r, col))
				a.op("VFMLA V%d.S4, V25.S4, V%d.S4", 17+2*col, acc(r, col)+1)
			}
		}
	}
	a.op("ADD $%d, R1, R1", 128*c)
	for r := range tileRows {
		a.op("ADD $64, R%d, R%d", 3+r, 3+r)
	}
	a.ops("SUBS $1, R9, R9", "BGT "+label("loop"))
	each(func(reg, at int) { a.op("FMOVQ F%d, %d(R0)", reg, at) })
}

// packPairs128 packs f32 x.
func packPairs128(a *asm) {
	a.text("SplitPairs", 32)
	a.ops("MOVD dst+0(FP), R0", "MOVD src+8(FP), R1", "MOVD steps+16(FP), R2", "MOVD step+24(FP), R3")
	a.line("loop:")
	for q := range 8 {
		a.op("FMOVQ %d(R1), F%d", 16*q, q)
	}
	for i := range 4 {
		a.op("VUZP2 V%d.S4, V%d.S4, V%d.S4", 2*i+1, 2*i, 16+i)
		a.op("VUZP1 V%d.S4, V%d.S4, V%d.S4", 2*i+1, 2*i, 20+i)
	}
	for i := range 8 {
		a.op("FMOVQ F%d, %d(R0)", 16+i, 16*i)
	}
	a.ops("ADD $128, R1, R1", "ADD R3, R0, R0", "SUBS $1, R2, R2", "BGT loop", "RET")
}
