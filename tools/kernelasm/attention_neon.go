package main

import "fmt"

// fmla128 is FMLA Vd.4S, Vn.4S, Vm.S[0], and fmul128 FMUL, which the assembler
// lacks.
func fmla128(a *asm, d, n, m int) {
	a.op("WORD $0x%08x // FMLA V%d.4S, V%d.4S, V%d.S[0]", 0x4f801000|uint32(m)<<16|uint32(n)<<5|uint32(d), d, n, m)
}

func fmul128(a *asm, d, n, m int) {
	a.op("WORD $0x%08x // FMUL V%d.4S, V%d.4S, V%d.S[0]", 0x4f809000|uint32(m)<<16|uint32(n)<<5|uint32(d), d, n, m)
}

// scores128 multiplies c queries with the 16 columns of keys, 4 columns at a
// time. A register is one lane of one query at 4 positions.
func scores128(a *asm, c int) {
	a.text(fmt.Sprintf("Scoresx%d", c), 40)
	a.ops("MOVD y+0(FP), R0", "MOVD q+8(FP), R1", "MOVD keys+16(FP), R2", "MOVD qStride+24(FP), R3", "MOVD n+32(FP), R4")
	query := func(col int) string { return fmt.Sprintf("R%d", 8+col) }
	for quarter := range 4 {
		for pass, j := range quads {
			label := fmt.Sprintf("quad%d_%d", quarter, pass)
			a.ops("MOVD R2, R5", "MOVD R4, R6", "MOVD R1, R8")
			for col := 1; col < c; col++ {
				a.op("ADD R3, %s, %s", query(col-1), query(col))
			}
			for i := range 4 * c {
				a.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
			}
			a.line("%s:", label)
			for l := range 4 {
				a.op("FMOVQ %d(R5), F30", 64*(j+4*l)+16*quarter)
				for col := range c {
					a.op("FMOVS %d(%s), F31", 4*(j+4*l), query(col))
					fmla128(a, 4*col+l, 30, 31)
				}
			}
			a.op("ADD $1024, R5, R5")
			for col := range c {
				a.op("ADD $64, %s, %s", query(col), query(col))
			}
			a.ops("SUBS $16, R6, R6", "BNE "+label)
			for col := range c {
				r, y := 4*col, 64*col+16*quarter
				fadd128(a, r, r, r+2)
				fadd128(a, r+1, r+1, r+3)
				fadd128(a, r, r, r+1)
				if pass == 2 {
					a.op("VORR V%d.B16, V%d.B16, V%d.B16", r, r, 24+col)
					continue
				}
				if pass == 3 {
					fadd128(a, r, r, 24+col)
				}
				if pass > 0 {
					a.op("FMOVQ %d(R0), F30", y)
					fadd128(a, r, r, 30)
				}
				a.op("FMOVQ F%d, %d(R0)", r, y)
			}
		}
	}
	a.op("RET")
}

// accumulatePV128 adds count rows of values to c rows of acc, 16 elements at a time.
func accumulatePV128(a *asm, c int) {
	a.text(fmt.Sprintf("AccumulatePVx%d", c), 48)
	a.ops("MOVD acc+0(FP), R8", "MOVD p+8(FP), R1", "MOVD v+16(FP), R2", "MOVD rescale+24(FP), R3", "MOVD n+32(FP), R4", "MOVD count+40(FP), R5",
		"LSL $2, R4, R6")
	acc := func(col int) string { return fmt.Sprintf("R%d", 8+col) }
	for col := 1; col < c; col++ {
		a.op("ADD R6, %s, %s", acc(col-1), acc(col))
	}
	a.line("block:")
	for col := range c {
		a.op("FMOVS %d(R3), F28", 4*col)
		for i := range 4 {
			a.op("FMOVQ %d(%s), F%d", 16*i, acc(col), 24+i)
			fmul128(a, 4*col+i, 24+i, 28)
		}
	}
	a.ops("MOVD R1, R19", "MOVD R2, R20", "MOVD R5, R21")
	a.line("row:")
	for i := range 4 {
		a.op("FMOVQ %d(R20), F%d", 16*i, 24+i)
	}
	for col := range c {
		a.op("FMOVS %d(R19), F%d", 64*col, 28+col%4)
		for i := range 4 {
			fmla128(a, 4*col+i, 24+i, 28+col%4)
		}
	}
	a.ops("ADD $4, R19, R19", "ADD R6, R20, R20", "SUBS $1, R21, R21", "BNE row")
	for col := range c {
		for i := range 4 {
			a.op("FMOVQ F%d, %d(%s)", 4*col+i, 16*i, acc(col))
		}
		a.op("ADD $64, %s, %s", acc(col), acc(col))
	}
	a.ops("ADD $64, R2, R2", "SUBS $16, R4, R4", "BGT block", "RET")
}

// prefetch128 fetches n bytes, a line at a time, into the second-level cache.
func prefetch128(a *asm) {
	a.text("Prefetch", 16)
	a.ops("MOVD p+0(FP), R0", "MOVD n+8(FP), R1", "B check")
	a.line("loop:")
	a.ops("PRFM (R0), PLDL2KEEP", "ADD $64, R0, R0", "SUB $64, R1, R1")
	a.line("check:")
	a.ops("CMP $0, R1", "BGT loop", "RET")
}
