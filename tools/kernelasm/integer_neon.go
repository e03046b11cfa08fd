package main

import "fmt"

// dotPairs columns at a time: 4 registers of sums and 4 of products each.
const dotPairs = 2

// integer128 needs the dot-product extension.
func integer128(a *asm) {
	for c := 1; c <= dotCols; c++ {
		dot128(a, c, false)
		dot128(a, c, true)
	}
}

// word writes an instruction of three registers that the assembler lacks.
func (a *asm) word(name string, base uint32, d, n, m int) {
	a.op("WORD $0x%08x // %s V%d, V%d, V%d", base|uint32(m)<<16|uint32(n)<<5|uint32(d), name, d, n, m)
}

const (
	mul4S   = 0x4ea09c00
	fmul4S  = 0x6e20dc00
	scvtf4S = 0x4e21d800
)

// sdot adds the dot products of the 4-byte lanes of V[n] with lane index of
// V[m].
func (a *asm) sdot(d, n, m, index int) {
	a.word(fmt.Sprintf("SDOT [%d]", index), 0x4f80e000|uint32(index&1)<<21|uint32(index>>1)<<11, d, n, m)
}

// dot128 multiplies 16 rows of weights with c rows of x. Sums are V0.., products
// V8.., weights V16..V19, x V20.., scales V24..V27.
func dot128(a *asm, c int, four bool) {
	name, block, scaleAt := "Dot8x", block8, 512
	if four {
		name, block, scaleAt = "Dot4x", block4, 256
	}
	sums, scales, size := xBlock(c)
	a.text(fmt.Sprintf("%s%d", name, c), 48)
	a.ops("VMOVI $128, V31.B16", "VMOVI $15, V30.B16")
	for from, number := 0, 0; from < c; from, number = from+dotPairs, number+1 {
		cols := min(dotPairs, c-from)
		label := func(s string) string { return fmt.Sprintf("%s%d", s, number) }
		a.ops("MOVD y+0(FP), R0", "MOVD x+8(FP), R1", "MOVD w+16(FP), R2", "MOVD yStride+24(FP), R3", "MOVD groups+32(FP), R4", "MOVD carry+40(FP), R5")
		for range from {
			a.op("ADD R3, R0, R0")
		}
		a.op("ADD R3, R0, R6")
		a.op("CBNZ R5, %s", label("carry"))
		for i := range 4 * cols {
			a.op("VEOR V%d.B16, V%d.B16, V%d.B16", 8+i, 8+i, 8+i)
		}
		a.op("B %s", label("loop"))
		a.line("%s:", label("carry"))
		each := func(format string) {
			for i := range 4 * cols {
				a.op(format, 8+i, 16*(i%4), []string{"R0", "R6"}[i/4])
			}
		}
		each("FMOVQ %[2]d(%[3]s), F%[1]d")
		a.line("%s:", label("loop"))
		for i := range cols {
			a.op("FMOVQ %d(R1), F%d", 32*(from+i), 20+2*i)
			a.op("FMOVQ %d(R1), F%d", 32*(from+i)+16, 21+2*i)
		}
		groupSums128(a, four, cols, sums+4*from)
		for q := range 4 {
			if q%2 == 0 {
				a.op("FMOVQ %d(R2), F28", scaleAt+8*q)
			}
			widen128(a, elements[2], 28, q%2, 24+q)
		}
		for i := range cols {
			a.op("ADD $%d, R1, R7", scales+4*(from+i))
			a.op("VLD1R (R7), [V29.S4]")
			for q := range 4 {
				at := 4*i + q
				a.word("SCVTF", scvtf4S, at, at, 0)
				a.word("FMUL", fmul4S, 28, 24+q, 29)
				a.op("VFMLA V28.S4, V%d.S4, V%d.S4", at, 8+at)
			}
		}
		a.ops(fmt.Sprintf("ADD $%d, R1, R1", size), fmt.Sprintf("ADD $%d, R2, R2", block), "SUBS $1, R4, R4", "BNE "+label("loop"))
		each("FMOVQ F%[1]d, %[2]d(%[3]s)")
	}
	a.op("RET")
}

// groupSums128 leaves the integer sums of a group in V0..
func groupSums128(a *asm, four bool, cols, sums int) {
	add := func(k int) {
		for i := range cols {
			for q := range 4 {
				a.sdot(4*i+q, 16+q, 20+2*i+k/4, k%4)
			}
		}
	}
	if !four {
		for i := range 4 * cols {
			a.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
		}
		for k := range 8 {
			for q := range 4 {
				a.op("FMOVQ %d(R2), F%d", 64*k+16*q, 16+q)
				a.op("VEOR V31.B16, V%d.B16, V%d.B16", 16+q, 16+q)
			}
			add(k)
		}
		return
	}
	a.op("FMOVQ 288(R2), F28") // zero points, widened to 32 bits
	a.ops("VUXTL V28.B8, V29.H8", "VUXTL2 V28.B16, V28.H8",
		"VUXTL V29.H4, V24.S4", "VUXTL2 V29.H8, V25.S4", "VUXTL V28.H4, V26.S4", "VUXTL2 V28.H8, V27.S4")
	for i := range cols {
		a.op("ADD $%d, R1, R7", sums+4*i)
		a.op("VLD1R (R7), [V29.S4]")
		for q := range 4 {
			a.word("MUL", mul4S, 4*i+q, 24+q, 29)
		}
	}
	for k := range 4 {
		for half := range 2 {
			for q := range 4 {
				a.op("FMOVQ %d(R2), F%d", 64*k+16*q, 16+q)
				if half == 0 {
					a.op("VAND V30.B16, V%d.B16, V%d.B16", 16+q, 16+q)
				} else {
					a.op("VUSHR $4, V%d.B16, V%d.B16", 16+q, 16+q)
				}
			}
			add(k + 4*half)
		}
	}
}
