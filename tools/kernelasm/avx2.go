package main

import "fmt"

func avx2(a *asm) {
	a.data()
	for _, e := range tiled {
		for c := 1; c <= tileCols; c++ {
			tile256(a, e, c)
		}
	}
	for c := 1; c <= tileCols; c++ {
		panel256(a, c)
		splitTile256(a, c)
		pairPanel256{c}.write(a)
	}
	packPairs256(a)
	reduce256(a)
	for _, e := range append(elements, packed8) {
		ymm.unpack(a, e)
	}
	for c := 1; c <= tileCols; c++ {
		scores256(a, c)
		accumulatePV256(a, c)
	}
	softmax256(a)
	prefetchX86(a)
	elementwise256(a)
	integer256(a)
	limits(a, "Y", 32)
	ymm.runs(a)
}

// pass is a part of a tile that fits into 16 registers: the columns from..to,
// and of each output the halves listed.
type pass struct {
	from, to int
	halves   []int
}

// acc numbers the register of one half of one output.
func (p pass) acc(row, col, h int) int { return (col*tileRows+row)*len(p.halves) + h }

// each calls f with every register and where it lives between calls.
func (p pass) each(f func(reg, at int)) {
	for col := range p.to - p.from {
		for row := range tileRows {
			for h, half := range p.halves {
				f(p.acc(row, col, h), 64*((p.from+col)*tileRows+row)+32*half)
			}
		}
	}
}

// passes cuts a tile: one column whole, more columns by groups of three and
// half of the lanes at a time.
func passes(c int) []pass {
	if c == 1 {
		return []pass{{0, 1, []int{0, 1}}}
	}
	var out []pass
	for from := 0; from < c; {
		// Even groups: 4 columns are 2 and 2, not 3 and 1.
		left := c - from
		size := (left + (left+2)/3 - 1) / ((left + 2) / 3)
		out = append(out, pass{from, from + size, []int{0}}, pass{from, from + size, []int{1}})
		from += size
	}
	return out
}

// tile256 holds 4 weight rows times c activation rows.
func tile256(a *asm, e element, c int) {
	a.text(fmt.Sprintf("Tile%sx%d", e.name, c), 64)
	for i, p := range passes(c) {
		pass256(a, e, p, i)
	}
	a.ops("VZEROUPPER", "RET")
}

func pass256(a *asm, e element, p pass, number int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, number) }
	x, w, ahead := tileArgs(a)
	for range p.from {
		a.op("ADDQ R8, SI")
	}
	cols := p.to - p.from
	accumulators256(a, p, label)
	step := func(k int) {
		for h, half := range p.halves {
			first := 12 + h // x of column 0; with halves apart, columns follow
			for col := range cols {
				a.op("VMOVUPS %d%s, Y%d", 4*k+32*half, x[col], first+col)
			}
			for r := range tileRows {
				widen(a, e, fmt.Sprintf("%d%s", (k+8*half)*e.bytes, w[r]), "Y15")
				for col := range cols {
					a.op("VFMADD231PS Y%d, Y15, Y%d", first+col, p.acc(r, col, h))
				}
			}
		}
	}
	a.ops("SUBQ $32, CX", "JLT "+label("rest"), "PCALIGN $32")
	a.line("%s:", label("loop"))
	if number == 0 && (e.bytes == 2 || cols <= 2) {
		for r := range tileRows {
			a.op("PREFETCHT1 %s", ahead[r])
			if e.bytes == 4 {
				a.op("PREFETCHT1 64%s", ahead[r])
			}
		}
		a.op("ADDQ $%d, R13", 32*e.bytes)
	}
	step(0)
	step(16)
	a.ops("ADDQ $128, SI", fmt.Sprintf("ADDQ $%d, DX", 32*e.bytes), "SUBQ $32, CX", "JGE "+label("loop"))
	a.line("%s:", label("rest"))
	a.ops("ADDQ $32, CX", "JEQ "+label("done"))
	step(0)
	a.line("%s:", label("done"))
	p.each(func(reg, at int) { a.op("VMOVUPS Y%d, %d(DI)", reg, at) })
}

// panel256 is tile256 on packed f32 operands.
func panel256(a *asm, c int) {
	a.text(fmt.Sprintf("Panelx%d", c), 40)
	for i, p := range passes(c) {
		label := func(s string) string { return fmt.Sprintf("%s%d", s, i) }
		panelArgs(a)
		accumulators256(a, p, label)
		a.line("%s:", label("loop"))
		for h, half := range p.halves {
			for col := range p.to - p.from {
				a.op("VMOVUPS %d(SI), Y%d", 64*(p.from+col)+32*half, 12+h+col)
			}
			for r := range tileRows {
				a.op("VMOVUPS %d(DX), Y15", 64*r+32*half)
				for col := range p.to - p.from {
					a.op("VFMADD231PS Y%d, Y15, Y%d", 12+h+col, p.acc(r, col, h))
				}
			}
		}
		a.ops(fmt.Sprintf("ADDQ $%d, SI", 64*c), fmt.Sprintf("ADDQ $%d, DX", 64*tileRows), "DECQ CX", "JNZ "+label("loop"))
		p.each(func(reg, at int) { a.op("VMOVUPS Y%d, %d(DI)", reg, at) })
	}
	a.ops("VZEROUPPER", "RET")
}

// accumulators256 clears the registers of a pass or loads what they carry.
func accumulators256(a *asm, p pass, label func(string) string) {
	a.ops("TESTQ AX, AX", "JNZ "+label("carry"))
	p.each(func(reg, _ int) { a.op("VXORPS Y%d, Y%d, Y%d", reg, reg, reg) })
	a.op("JMP %s", label("start"))
	a.line("%s:", label("carry"))
	p.each(func(reg, at int) { a.op("VMOVUPS %d(DI), Y%d", at, reg) })
	a.line("%s:", label("start"))
}

// reduce256 folds lanes by the fixed tree, four outputs at a time.
func reduce256(a *asm) {
	a.text("Reduce", 32)
	a.args("y", "DI", "lanes", "SI", "yStride", "DX", "count", "CX")
	a.ops("JMP check")
	a.line("loop:")
	for i := range 4 { // j with j+8
		a.op("VMOVUPS %d(SI), Y%d", 64*i, i)
		a.op("VADDPS %d(SI), Y%d, Y%d", 64*i+32, i, i)
	}
	for _, p := range [2][2]int{{0, 1}, {2, 3}} { // +4: two outputs a register
		a.op("VPERM2F128 $0x20, Y%d, Y%d, Y4", p[1], p[0])
		a.op("VPERM2F128 $0x31, Y%d, Y%d, Y5", p[1], p[0])
		a.op("VADDPS Y5, Y4, Y%d", p[0])
	}
	for _, r := range []int{0, 2} { // +2, +1
		a.op("VSHUFPS $0x4e, Y%d, Y%d, Y4", r, r)
		a.op("VADDPS Y4, Y%d, Y%d", r, r)
		a.op("VSHUFPS $0xb1, Y%d, Y%d, Y4", r, r)
		a.op("VADDPS Y4, Y%d, Y%d", r, r)
	}
	a.ops("VEXTRACTF128 $1, Y0, X1", "VEXTRACTF128 $1, Y2, X3", "VUNPCKLPS X1, X0, X0", "VUNPCKLPS X3, X2, X2",
		"VMOVLHPS X2, X0, X0", "VMOVUPS X0, (DI)", "ADDQ $256, SI", "ADDQ DX, DI", "DECQ CX")
	a.line("check:")
	a.ops("TESTQ CX, CX", "JGT loop", "VZEROUPPER", "RET")
}

// exp256 leaves Exp(Y0) in Y1. It uses Y2 to Y4; constants come from memory,
// for there are too few registers.
func exp256(a *asm) {
	load := func(name, y string) { a.op("VBROADCASTSS %s<>(SB), %s", name, y) }
	load("magic", "Y5")
	load("log2e", "Y4")
	a.ops("VMOVAPS Y5, Y2", "VFMADD231PS Y4, Y0, Y2", "VSUBPS Y5, Y2, Y2", "VMOVAPS Y0, Y3")
	for _, c := range []string{"negLn2Hi", "negLn2Lo"} {
		load(c, "Y4")
		a.op("VFMADD231PS Y4, Y2, Y3")
	}
	load("c7", "Y1")
	for _, c := range []string{"c6", "c5", "c4", "c3", "c2", "one", "one"} {
		load(c, "Y4")
		a.op("VFMADD213PS Y4, Y3, Y1")
	}
	load("bias", "Y5")
	a.ops("VCVTTPS2DQ Y2, Y2", "VPSRAD $1, Y2, Y4", "VPSUBD Y4, Y2, Y2",
		"VPADDD Y5, Y4, Y4", "VPSLLD $23, Y4, Y4", "VPADDD Y5, Y2, Y2", "VPSLLD $23, Y2, Y2",
		"VMULPS Y4, Y1, Y1", "VMULPS Y2, Y1, Y1")
	load("above", "Y4")
	load("inf", "Y5")
	a.ops("VCMPPS $0x1e, Y4, Y0, Y4", "VBLENDVPS Y4, Y5, Y1, Y1")
	load("below", "Y4")
	a.ops("VCMPPS $0x11, Y4, Y0, Y4", "VANDNPS Y1, Y4, Y1",
		"VCMPPS $3, Y0, Y0, Y4", "VBLENDVPS Y4, Y0, Y1, Y1")
}

// elementwise256 writes the loops over vectors; n is a multiple of 16.
func elementwise256(a *asm) {
	a.text("SiLUMul", 24)
	a.args("dst", "DI", "up", "SI", "n", "CX")
	a.ops("VBROADCASTSS sign<>(SB), Y15", "VBROADCASTSS one<>(SB), Y14")
	ymm.loop(a, []string{"DI", "SI"}, func() {
		a.ops("VMOVUPS (DI), Y13", "VXORPS Y15, Y13, Y0")
		exp256(a)
		a.ops("VADDPS Y1, Y14, Y1", "VDIVPS Y1, Y13, Y1", "VMULPS (SI), Y1, Y1", "VMOVUPS Y1, (DI)")
	})
	ymm.scaleMul(a)
	a.text("RoundBF16", 16)
	a.args("v", "DI", "n", "CX")
	for i, name := range []string{"half", "lsb", "high", "quiet"} {
		a.op("VPBROADCASTD %s<>(SB), Y%d", name, 12+i)
	}
	ymm.loop(a, []string{"DI"}, func() {
		a.ops("VMOVUPS (DI), Y0", "VPSRLD $16, Y0, Y1", "VPAND Y13, Y1, Y1", "VPADDD Y12, Y1, Y1", "VPADDD Y0, Y1, Y1",
			"VPOR Y15, Y0, Y2", "VCMPPS $3, Y0, Y0, Y3", "VBLENDVPS Y3, Y2, Y1, Y1", "VPAND Y14, Y1, Y1", "VMOVUPS Y1, (DI)")
	})
	ymm.add(a)
}
