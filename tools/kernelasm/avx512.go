package main

import "fmt"

func avx512(a *asm) {
	a.data()
	for _, e := range tiled {
		for c := 1; c <= tileCols; c++ {
			tile512(a, e, c)
		}
	}
	for c := 1; c <= tileCols; c++ {
		panel512(a, c)
		splitTile512(a, c)
		pairTile512(a, c)
		splitPanel512(a, c)
		pairPanel512(a, c)
	}
	splitRows512(a)
	pairRows512(a)
	for c := 2; c <= slimCols; c++ {
		slimTile512(a, c)
	}
	for c := 1; c <= slimSplitCols; c++ {
		slimSplit512(a, c)
	}
	packPairs512(a)
	reduce512(a)
	for _, e := range append(elements, packed8) {
		zmm.unpack(a, e)
	}
	for c := 1; c <= tileCols; c++ {
		scores512(a, c)
		accumulatePV512(a, c)
	}
	softmax512(a)
	prefetchX86(a)
	elementwise512(a)
	integer512(a)
	limits(a, "Z", 64)
	zmm.runs(a)
}

// tile512 holds 4 weight rows times c activation rows, one register of 16
// lanes per output.
func tile512(a *asm, e element, c int) {
	name := fmt.Sprintf("Tile%sx%d", e.name, c)
	a.text(name, 64)
	x, w, ahead := tileArgs(a)
	acc := func(row, col int) string { return fmt.Sprintf("Z%d", col*tileRows+row) }
	a.ops("TESTQ AX, AX", "JNZ carry")
	for i := range tileRows * c {
		a.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	a.op("JMP start")
	a.line("carry:")
	for i := range tileRows * c {
		a.op("VMOVUPS %d(DI), Z%d", 64*i, i)
	}
	step := func(k int) {
		for r := range tileRows {
			widen(a, e, fmt.Sprintf("%d%s", k*e.bytes, w[r]), fmt.Sprintf("Z%d", 24+r))
		}
		for col := range c {
			a.op("VMOVUPS %d%s, Z%d", 4*k, x[col], 28+col%4)
			for r := range tileRows {
				a.op("VFMADD231PS Z%d, Z%d, %s", 28+col%4, 24+r, acc(r, col))
			}
		}
	}
	a.line("start:")
	a.ops("SUBQ $32, CX", "JLT rest", "PCALIGN $32")
	a.line("loop:")
	if e.bytes == 2 || c <= 2 {
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
	a.ops("ADDQ $128, SI", fmt.Sprintf("ADDQ $%d, DX", 32*e.bytes), "SUBQ $32, CX", "JGE loop")
	a.line("rest:")
	a.ops("ADDQ $32, CX", "JEQ done")
	step(0)
	a.line("done:")
	for i := range tileRows * c {
		a.op("VMOVUPS Z%d, %d(DI)", i, 64*i)
	}
	a.ops("VZEROUPPER", "RET")
}

// lanes512 calls f for every register of lanes and for where it lies at DI.
type lanes512 func(f func(reg, at int))

// inOrder is n registers from Z0 on.
func inOrder(n int) lanes512 {
	return func(f func(reg, at int)) {
		for i := range n {
			f(i, 64*i)
		}
	}
}

// startLanes512 enters the loop of that name: lanes are zero, or what memory
// holds if AX is not.
func startLanes512(a *asm, name string, lanes lanes512) {
	a.ops("TESTQ AX, AX", "JNZ carry"+name)
	lanes(func(reg, _ int) { a.op("VPXORD Z%d, Z%d, Z%d", reg, reg, reg) })
	a.op("JMP loop%s", name)
	a.line("carry%s:", name)
	lanes(func(reg, at int) { a.op("VMOVUPS %d(DI), Z%d", at, reg) })
	a.op("PCALIGN $64")
	a.line("loop%s:", name)
}

// panel512 is tile512 on packed f32 operands: step by step, the 16 elements of
// every row follow each other, so that no two streams compete for the same
// cache sets.
func panel512(a *asm, c int) {
	a.text(fmt.Sprintf("Panelx%d", c), 40)
	panelArgs(a)
	outs := tileRows * c
	startLanes512(a, "", inOrder(outs))
	for r := range tileRows {
		a.op("VMOVUPS %d(DX), Z%d", 64*r, 24+r)
	}
	for col := range c {
		a.op("VMOVUPS %d(SI), Z%d", 64*col, 28+col%4)
		for r := range tileRows {
			a.op("VFMADD231PS Z%d, Z%d, Z%d", 28+col%4, 24+r, col*tileRows+r)
		}
	}
	a.ops(fmt.Sprintf("ADDQ $%d, SI", 64*c), fmt.Sprintf("ADDQ $%d, DX", 64*tileRows), "DECQ CX", "JNZ loop")
	for i := range outs {
		a.op("VMOVUPS Z%d, %d(DI)", i, 64*i)
	}
	a.ops("VZEROUPPER", "RET")
}

// reduce512 folds lanes by the fixed tree: j with j+8, then +4, +2, +1. Four
// outputs share a register from the first step on.
func reduce512(a *asm) {
	a.text("Reduce", 32)
	a.args("y", "DI", "lanes", "SI", "yStride", "DX", "count", "CX")
	a.ops("MOVL $0x1111, AX", "KMOVW AX, K1", "JMP check")
	a.line("loop:")
	for i := range 4 {
		a.op("VMOVUPS %d(SI), Z%d", 64*i, i)
	}
	for _, p := range [2][2]int{{0, 1}, {2, 3}} {
		a.op("VSHUFF64X2 $0x44, Z%d, Z%d, Z4", p[1], p[0])
		a.op("VSHUFF64X2 $0xee, Z%d, Z%d, Z5", p[1], p[0])
		a.op("VADDPS Z5, Z4, Z%d", p[0])
	}
	a.ops("VSHUFF64X2 $0x88, Z2, Z0, Z4", "VSHUFF64X2 $0xdd, Z2, Z0, Z5", "VADDPS Z5, Z4, Z0",
		"VSHUFPS $0x4e, Z0, Z0, Z1", "VADDPS Z1, Z0, Z0", "VSHUFPS $0xb1, Z0, Z0, Z1", "VADDPS Z1, Z0, Z0",
		"VCOMPRESSPS Z0, K1, Z0", "VMOVUPS X0, (DI)", "ADDQ $256, SI", "ADDQ DX, DI", "DECQ CX")
	a.line("check:")
	a.ops("TESTQ CX, CX", "JGT loop", "VZEROUPPER", "RET")
}

// exp512 leaves Exp(Z0) in Z1. It uses Z2 to Z4 and the constants that
// loadExp512 put into Z16 to Z30.
func exp512(a *asm) {
	a.ops(
		"VMOVAPS Z17, Z2", "VFMADD231PS Z16, Z0, Z2", "VSUBPS Z17, Z2, Z2",
		"VMOVAPS Z0, Z3", "VFMADD231PS Z18, Z2, Z3", "VFMADD231PS Z19, Z2, Z3", "VMOVAPS Z20, Z1")
	for c := 21; c <= 25; c++ {
		a.op("VFMADD213PS Z%d, Z3, Z1", c)
	}
	a.ops("VFMADD213PS Z26, Z3, Z1", "VFMADD213PS Z26, Z3, Z1",
		"VCVTTPS2DQ Z2, Z2", "VPSRAD $1, Z2, Z4", "VPSUBD Z4, Z2, Z2",
		"VPADDD Z30, Z4, Z4", "VPSLLD $23, Z4, Z4", "VPADDD Z30, Z2, Z2", "VPSLLD $23, Z2, Z2",
		"VMULPS Z4, Z1, Z1", "VMULPS Z2, Z1, Z1",
		"VCMPPS $0x1e, Z27, Z0, K1", "VMOVAPS Z29, K1, Z1",
		"VCMPPS $0x11, Z28, Z0, K1", "VPXORD Z1, Z1, K1, Z1",
		"VCMPPS $3, Z0, Z0, K1", "VMOVAPS Z0, K1, Z1")
}

func loadExp512(a *asm) {
	for i, name := range []string{"log2e", "magic", "negLn2Hi", "negLn2Lo", "c7", "c6", "c5", "c4", "c3", "c2",
		"one", "above", "below", "inf", "bias"} {
		a.op("VBROADCASTSS %s<>(SB), Z%d", name, 16+i)
	}
}

// elementwise512 writes the loops over vectors; n is a multiple of 16.
func elementwise512(a *asm) {
	a.text("SiLUMul", 24)
	a.args("dst", "DI", "up", "SI", "n", "CX")
	loadExp512(a)
	a.op("VBROADCASTSS sign<>(SB), Z31")
	zmm.loop(a, []string{"DI", "SI"}, func() {
		a.ops("VMOVUPS (DI), Z5", "VPXORD Z31, Z5, Z0")
		exp512(a)
		a.ops("VADDPS Z1, Z26, Z1", "VDIVPS Z1, Z5, Z1", "VMULPS (SI), Z1, Z1", "VMOVUPS Z1, (DI)")
	})
	zmm.scaleMul(a)
	a.text("RoundBF16", 16)
	a.args("v", "DI", "n", "CX")
	for i, name := range []string{"half", "lsb", "high", "quiet"} {
		a.op("VPBROADCASTD %s<>(SB), Z%d", name, 16+i)
	}
	zmm.loop(a, []string{"DI"}, func() {
		a.ops("VMOVUPS (DI), Z0", "VPSRLD $16, Z0, Z1", "VPANDD Z17, Z1, Z1", "VPADDD Z16, Z1, Z1", "VPADDD Z0, Z1, Z1",
			"VCMPPS $3, Z0, Z0, K1", "VPORD Z19, Z0, K1, Z1", "VPANDD Z18, Z1, Z1", "VMOVUPS Z1, (DI)")
	})
	zmm.add(a)
}
