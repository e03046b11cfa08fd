package main

import "fmt"

func neon(a *asm) {
	for _, e := range tiled {
		for c := 1; c <= tileCols; c++ {
			tile128(a, e, c)
		}
	}
	for c := 1; c <= tileCols; c++ {
		panel128(a, c)
		splitTile128(a, c)
	}
	packPairs128(a)
	reduce128(a)
	for _, e := range append(elements, packed8) {
		unpack128(a, e)
	}
	for c := 1; c <= tileCols; c++ {
		scores128(a, c)
		accumulatePV128(a, c)
	}
	prefetch128(a)
	integer128(a)
}

// widen128 widens half of register v (its low or high 4 elements of 16 bits)
// into d. V31 is zero. The assembler has no FCVTL, so its bytes are written.
func widen128(a *asm, e element, v, high, d int) {
	switch e.name {
	case "BF16": // interleaving with zeros puts 16 bits into the upper half
		a.op("VZIP%d V%d.H8, V31.H8, V%d.H8", high+1, v, d)
	case "F16":
		a.op("WORD $0x%08x // FCVTL V%d.4S, V%d", 0x0e217800|uint32(high)<<30|uint32(v)<<5|uint32(d), d, v)
	}
}

// load128 loads 8 elements at offset off of a pointer as f32 into V[d] and
// V[d+1]. V30 is scratch.
func load128(a *asm, e element, off int, p string, d int) {
	if e.bytes == 4 {
		a.op("FMOVQ %d(%s), F%d", off, p, d)
		a.op("FMOVQ %d(%s), F%d", off+16, p, d+1)
		return
	}
	if e.bytes == 1 {
		a.op("FMOVD %d(%s), F30", off, p)
		a.op("WORD $0x%08x // SXTL V30.8H, V30.8B", 0x0f08a400|30<<5|30)
		a.op("WORD $0x%08x // SXTL V%d.4S, V30.4H", 0x0f10a400|30<<5|uint32(d), d)
		a.op("WORD $0x%08x // SXTL2 V%d.4S, V30.8H", 0x4f10a400|30<<5|uint32(d+1), d+1)
		for i := d; i <= d+1; i++ {
			a.op("WORD $0x%08x // SCVTF V%d.4S, V%d.4S", 0x4e21d800|uint32(i)<<5|uint32(i), i, i)
		}
		return
	}
	a.op("FMOVQ %d(%s), F30", off, p)
	widen128(a, e, 30, 0, d)
	widen128(a, e, 30, 1, d+1)
}

// tile128 holds 4 weight rows times c activation rows. One column is taken
// with all 16 lanes, more by pairs with half of the lanes at a time.
func tile128(a *asm, e element, c int) {
	a.text(fmt.Sprintf("Tile%sx%d", e.name, c), 64)
	a.op("VEOR V31.B16, V31.B16, V31.B16")
	number := 0
	if c == 1 {
		pass128(a, e, pass{0, 1, []int{0, 1}}, number)
	}
	for from := 0; c > 1 && from < c; from += 2 {
		to := min(from+2, c)
		for _, half := range []int{0, 1} {
			pass128(a, e, pass{from, to, []int{half}}, number)
			number++
		}
	}
	a.op("RET")
}

func pass128(a *asm, e element, p pass, number int) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, number) }
	a.ops("MOVD lanes+0(FP), R0", "MOVD x+8(FP), R1", "MOVD w+16(FP), R3", "MOVD xStride+24(FP), R7",
		"MOVD wStride+32(FP), R8", "MOVD n+40(FP), R9", "MOVD ahead+48(FP), R10", "MOVD carry+56(FP), R11")
	for range p.from {
		a.op("ADD R7, R1, R1")
	}
	a.ops("ADD R7, R1, R2", "ADD R8, R3, R4", "ADD R8, R4, R5", "ADD R8, R5, R6")
	cols := p.to - p.from
	per := 2 * len(p.halves) // registers of one output
	acc := func(row, col, h int) int { return (col*tileRows+row)*per + 2*h }
	each := func(f func(reg, at int)) {
		for col := range cols {
			for row := range tileRows {
				for h, half := range p.halves {
					at := 64*((p.from+col)*tileRows+row) + 32*half
					f(acc(row, col, h), at)
					f(acc(row, col, h)+1, at+16)
				}
			}
		}
	}
	a.op("CBNZ R11, %s", label("carry"))
	each(func(reg, _ int) { a.op("VEOR V%d.B16, V%d.B16, V%d.B16", reg, reg, reg) })
	a.op("B %s", label("loop"))
	a.line("%s:", label("carry"))
	each(func(reg, at int) { a.op("FMOVQ %d(R0), F%d", at, reg) })
	a.line("%s:", label("loop"))
	if number == 0 && (e.bytes == 2 || cols <= 2) {
		for r := range tileRows {
			a.op("ADD R10, R%d, R12", 3+r)
			a.op("PRFM (R12), PLDL2KEEP")
		}
	}
	for h, half := range p.halves {
		for col := range cols {
			load128(a, element{"F32", 4}, 32*half, fmt.Sprintf("R%d", 1+col), 16+2*col)
		}
		for r := range tileRows {
			load128(a, e, 8*half*e.bytes, fmt.Sprintf("R%d", 3+r), 24)
			for col := range cols {
				a.op("VFMLA V%d.S4, V24.S4, V%d.S4", 16+2*col, acc(r, col, h))
				a.op("VFMLA V%d.S4, V25.S4, V%d.S4", 17+2*col, acc(r, col, h)+1)
			}
		}
	}
	a.ops("ADD $64, R1, R1", "ADD $64, R2, R2")
	for r := range tileRows {
		a.op("ADD $%d, R%d, R%d", 16*e.bytes, 3+r, 3+r)
	}
	a.ops("SUBS $16, R9, R9", "BGT "+label("loop"))
	each(func(reg, at int) { a.op("FMOVQ F%d, %d(R0)", reg, at) })
}

// panel128 is tile128 on packed f32 operands: a quarter of the lanes at a time,
// so that all outputs of a quarter fit.
func panel128(a *asm, c int) {
	a.text(fmt.Sprintf("Panelx%d", c), 40)
	for quarter := range 4 {
		label := func(s string) string { return fmt.Sprintf("%s%d", s, quarter) }
		a.ops("MOVD lanes+0(FP), R0", "MOVD x+8(FP), R1", "MOVD w+16(FP), R2", "MOVD steps+24(FP), R3", "MOVD carry+32(FP), R4",
			"CBNZ R4, "+label("carry"))
		for i := range tileRows * c {
			a.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
		}
		a.op("B %s", label("loop"))
		a.line("%s:", label("carry"))
		for i := range tileRows * c {
			a.op("FMOVQ %d(R0), F%d", 64*i+16*quarter, i)
		}
		a.line("%s:", label("loop"))
		for r := range tileRows {
			a.op("FMOVQ %d(R2), F%d", 64*r+16*quarter, 24+r)
		}
		for col := range c {
			a.op("FMOVQ %d(R1), F%d", 64*col+16*quarter, 28+col%4)
			for r := range tileRows {
				a.op("VFMLA V%d.S4, V%d.S4, V%d.S4", 28+col%4, 24+r, col*tileRows+r)
			}
		}
		a.ops(fmt.Sprintf("ADD $%d, R1, R1", 64*c), fmt.Sprintf("ADD $%d, R2, R2", 64*tileRows), "SUBS $1, R3, R3", "BNE "+label("loop"))
		for i := range tileRows * c {
			a.op("FMOVQ F%d, %d(R0)", i, 64*i+16*quarter)
		}
	}
	a.op("RET")
}

// fadd128 is FADD Vd.4S, Vn.4S, Vm.4S, which the assembler lacks.
func fadd128(a *asm, d, n, m int) {
	a.op("WORD $0x%08x // FADD V%d.4S, V%d.4S, V%d.4S", 0x4e20d400|uint32(m)<<16|uint32(n)<<5|uint32(d), d, n, m)
}

// reduce128 folds lanes by the fixed tree, four outputs at a time.
func reduce128(a *asm) {
	a.text("Reduce", 32)
	a.ops("MOVD y+0(FP), R0", "MOVD lanes+8(FP), R1", "MOVD yStride+16(FP), R2", "MOVD count+24(FP), R3", "B check")
	a.line("loop:")
	for i := range 4 {
		for q := range 4 {
			a.op("FMOVQ %d(R1), F%d", 64*i+16*q, 4*i+q)
		}
		// j with j+8, then +4
		fadd128(a, 4*i, 4*i, 4*i+2)
		fadd128(a, 4*i+1, 4*i+1, 4*i+3)
		fadd128(a, 4*i, 4*i, 4*i+1)
		a.op("VEXT $8, V%d.B16, V%d.B16, V%d.B16", 4*i, 4*i, 4*i+1)
		fadd128(a, 4*i, 4*i, 4*i+1) // +2
		a.op("VREV64 V%d.S4, V%d.S4", 4*i, 4*i+1)
		fadd128(a, 4*i, 4*i, 4*i+1) // +1
	}
	a.ops("VZIP1 V4.S4, V0.S4, V0.S4", "VZIP1 V12.S4, V8.S4, V8.S4", "VZIP1 V8.D2, V0.D2, V0.D2",
		"FMOVQ F0, (R0)", "ADD $256, R1, R1", "ADD R2, R0, R0", "SUB $1, R3, R3")
	a.line("check:")
	a.ops("CMP $0, R3", "BGT loop", "RET")
}

// unpack128 widens n elements, a multiple of 16; groups of 16 are step bytes
// apart in dst.
func unpack128(a *asm, e element) {
	a.text("Unpack"+e.name, 32)
	a.ops("MOVD dst+0(FP), R0", "MOVD src+8(FP), R1", "MOVD n+16(FP), R2", "MOVD step+24(FP), R3", "VEOR V31.B16, V31.B16, V31.B16", "B check")
	a.line("loop:")
	load128(a, e, 0, "R1", 0)
	load128(a, e, 8*e.bytes, "R1", 2)
	for q := range 4 {
		a.op("FMOVQ F%d, %d(R0)", q, 16*q)
	}
	a.ops(fmt.Sprintf("ADD $%d, R1, R1", 16*e.bytes), "ADD R3, R0, R0", "SUB $16, R2, R2")
	a.line("check:")
	a.ops("CMP $0, R2", "BGT loop", "RET")
}
