package main

import "fmt"

// packed8 are the integers of the KV cache: signed bytes.
var packed8 = element{"I8", 1}

// quads are the first lanes j of the quads j, j+4, j+8 and j+12 of a dot product,
// in the order in which the tree adds their sums: 0 with 2, 1 with 3, then both.
var quads = [4]int{0, 2, 1, 3}

// scores512 multiplies c queries with the 16 columns of keys. A register is one
// lane of one query at 16 positions, so that the tree adds whole registers.
func scores512(a *asm, c int) {
	a.text(fmt.Sprintf("Scoresx%d", c), 40)
	a.args("y", "DI", "q", "SI", "keys", "DX", "qStride", "R8", "n", "CX")
	a.ops("LEAQ (R8)(R8*2), R9", "LEAQ (R8)(R8*4), R10")
	q := rowsAt("R11", "R8", "R9", "R10")
	for pass, j := range quads {
		a.ops("MOVQ SI, R11", "MOVQ DX, R12", "MOVQ CX, R13")
		for i := range 4 * c {
			a.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
		}
		a.line("quad%d:", pass)
		for l := range 4 {
			a.op("VMOVUPS %d(R12), Z%d", 64*(j+4*l), 30+l%2)
			for col := range c {
				a.op("VFMADD231PS.BCST %d%s, Z%d, Z%d", 4*(j+4*l), q[col], 30+l%2, 4*col+l)
			}
		}
		a.ops("ADDQ $64, R11", "ADDQ $1024, R12", "SUBQ $16, R13", fmt.Sprintf("JNZ quad%d", pass))
		for col := range c {
			r := 4 * col
			a.op("VADDPS Z%d, Z%d, Z%d", r+2, r, r)
			a.op("VADDPS Z%d, Z%d, Z%d", r+3, r+1, r+1)
			a.op("VADDPS Z%d, Z%d, Z%d", r+1, r, r)
			switch pass {
			case 1:
				a.op("VADDPS %d(DI), Z%d, Z%d", 64*col, r, r)
			case 2:
				a.op("VMOVAPS Z%d, Z%d", r, 24+col)
				continue
			case 3:
				a.op("VADDPS Z%d, Z%d, Z%d", 24+col, r, r)
				a.op("VADDPS %d(DI), Z%d, Z%d", 64*col, r, r)
			}
			a.op("VMOVUPS Z%d, %d(DI)", r, 64*col)
		}
	}
	a.ops("VZEROUPPER", "RET")
}

// scores256 is scores512 with 8 positions and at most 3 queries at a time.
func scores256(a *asm, c int) {
	a.frame(fmt.Sprintf("Scoresx%d", c), 96, 40)
	a.args("y", "DI", "q", "SI", "keys", "DX", "qStride", "R8", "n", "CX")
	a.ops("LEAQ (R8)(R8*2), R9")
	q := rowsAt("R11", "R8", "R9", "")
	for from := 0; from < c; from += 3 {
		cols := min(3, c-from)
		for half := range 2 {
			for pass, j := range quads {
				label := fmt.Sprintf("quad%d_%d_%d", from, half, pass)
				a.ops("MOVQ SI, R11", "MOVQ DX, R12", "MOVQ CX, R13")
				for i := range 4 * cols {
					a.op("VPXOR Y%d, Y%d, Y%d", i, i, i)
				}
				a.line("%s:", label)
				for l := range 4 {
					a.op("VMOVUPS %d(R12), Y%d", 64*(j+4*l)+32*half, 12+l%2)
					for col := range cols {
						a.op("VBROADCASTSS %d%s, Y%d", 4*(j+4*l), q[col], 14+col%2)
						a.op("VFMADD231PS Y%d, Y%d, Y%d", 12+l%2, 14+col%2, 4*col+l)
					}
				}
				a.ops("ADDQ $64, R11", "ADDQ $1024, R12", "SUBQ $16, R13", "JNZ "+label)
				for col := range cols {
					r, y := 4*col, 64*(from+col)+32*half
					a.op("VADDPS Y%d, Y%d, Y%d", r+2, r, r)
					a.op("VADDPS Y%d, Y%d, Y%d", r+3, r+1, r+1)
					a.op("VADDPS Y%d, Y%d, Y%d", r+1, r, r)
					switch pass {
					case 1:
						a.op("VADDPS %d(DI), Y%d, Y%d", y, r, r)
					case 2:
						a.op("VMOVUPS Y%d, q%d-%d(SP)", r, col, 32*(col+1))
						continue
					case 3:
						a.op("VADDPS q%d-%d(SP), Y%d, Y%d", col, 32*(col+1), r, r)
						a.op("VADDPS %d(DI), Y%d, Y%d", y, r, r)
					}
					a.op("VMOVUPS Y%d, %d(DI)", r, y)
				}
			}
		}
		a.op("ADDQ R9, SI")
	}
	a.ops("VZEROUPPER", "RET")
}

// accumulatePVArgs loads the arguments of a sum of weighted rows: R8 is a row's bytes.
func accumulatePVArgs(a *asm) {
	a.args("acc", "DI", "p", "SI", "v", "DX", "rescale", "BX", "n", "CX", "count", "R11")
	a.ops("LEAQ (CX*4), R8", "LEAQ (R8)(R8*2), R9", "LEAQ (R8)(R8*4), R10")
}

// accumulatePV512 adds count rows of values to c rows of acc: 64 elements of each at a
// time, then 16.
func accumulatePV512(a *asm, c int) {
	a.text(fmt.Sprintf("AccumulatePVx%d", c), 48)
	accumulatePVArgs(a)
	acc := rowsAt("DI", "R8", "R9", "R10")
	block := func(label string, regs int) {
		a.line("%s:", label)
		a.op("CMPQ CX, $%d", 16*regs)
		a.op("JLT %sdone", label)
		for col := range c {
			a.op("VBROADCASTSS %d(BX), Z28", 4*col)
			for i := range regs {
				a.op("VMULPS %d%s, Z28, Z%d", 64*i, acc[col], col*regs+i)
			}
		}
		a.ops("MOVQ SI, R12", "MOVQ DX, R13", "MOVQ R11, AX")
		a.line("%srow:", label)
		for i := range regs {
			a.op("VMOVUPS %d(R13), Z%d", 64*i, 24+i)
		}
		for col := range c {
			a.op("VBROADCASTSS %d(R12), Z%d", 64*col, 28+col%4)
			for i := range regs {
				a.op("VFMADD231PS Z%d, Z%d, Z%d", 24+i, 28+col%4, col*regs+i)
			}
		}
		a.ops("ADDQ $4, R12", "ADDQ R8, R13", "DECQ AX", "JNZ "+label+"row")
		for col := range c {
			for i := range regs {
				a.op("VMOVUPS Z%d, %d%s", col*regs+i, 64*i, acc[col])
			}
		}
		a.ops(fmt.Sprintf("ADDQ $%d, DI", 64*regs), fmt.Sprintf("ADDQ $%d, DX", 64*regs), fmt.Sprintf("SUBQ $%d, CX", 16*regs), "JMP "+label)
		a.line("%sdone:", label)
	}
	block("four", 4)
	block("one", 1)
	a.ops("VZEROUPPER", "RET")
}

// accumulatePV256 is accumulatePV512 for at most 3 rows at a time, 32 elements, then 16.
func accumulatePV256(a *asm, c int) {
	a.text(fmt.Sprintf("AccumulatePVx%d", c), 48)
	for from := 0; from < c; from += 3 {
		cols := min(3, c-from)
		accumulatePVArgs(a)
		if from > 0 {
			a.op("ADDQ R9, DI")
		}
		acc := rowsAt("DI", "R8", "R9", "")
		block := func(label string, regs int) {
			label = fmt.Sprint(label, from)
			a.line("%s:", label)
			a.op("CMPQ CX, $%d", 8*regs)
			a.op("JLT %sdone", label)
			for col := range cols {
				a.op("VBROADCASTSS %d(BX), Y13", 4*(from+col))
				for i := range regs {
					a.op("VMULPS %d%s, Y13, Y%d", 32*i, acc[col], col*regs+i)
				}
			}
			a.ops("MOVQ SI, R12", "MOVQ DX, R13", "MOVQ R11, AX")
			a.line("%srow:", label)
			for col := range cols {
				a.op("VBROADCASTSS %d(R12), Y%d", 64*(from+col), 13+col)
			}
			for i := range regs {
				a.op("VMOVUPS %d(R13), Y12", 32*i)
				for col := range cols {
					a.op("VFMADD231PS Y12, Y%d, Y%d", 13+col, col*regs+i)
				}
			}
			a.ops("ADDQ $4, R12", "ADDQ R8, R13", "DECQ AX", "JNZ "+label+"row")
			for col := range cols {
				for i := range regs {
					a.op("VMOVUPS Y%d, %d%s", col*regs+i, 32*i, acc[col])
				}
			}
			a.ops(fmt.Sprintf("ADDQ $%d, DI", 32*regs), fmt.Sprintf("ADDQ $%d, DX", 32*regs), fmt.Sprintf("SUBQ $%d, CX", 8*regs), "JMP "+label)
			a.line("%sdone:", label)
		}
		block("four", 4)
		block("two", 2)
	}
	a.ops("VZEROUPPER", "RET")
}

// softmaxArgs loads the pointers of a softmax.
func softmaxArgs(a *asm) {
	a.args("p", "DI", "top", "SI", "sum", "R8", "rescale", "R9", "keyScales", "R10", "valueScales", "R11", "n", "R12")
}

// softmax512 collects the new tops in rescale, so that one Exp computes all
// rescale factors.
func softmax512(a *asm) {
	a.text("Softmax", 76)
	softmaxArgs(a)
	a.ops("MOVQ first+56(FP), CX", "MOVL $0xffff, AX", "SHLL CX, AX",
		"MOVQ last+64(FP), CX", "MOVL $2, BX", "SHLL CX, BX", "DECL BX", "ANDL BX, AX", "KMOVW AX, K2", // positions that are seen
		"MOVQ R12, CX", "MOVL $1, BX", "SHLL CX, BX", "DECL BX", "KMOVW BX, K3") // rows
	loadExp512(a)
	a.ops("VBROADCASTSS scale+72(FP), Z31", "VBROADCASTSS negInf<>(SB), Z8", "VMOVUPS (R10), Z9", "VMOVUPS (R11), Z10", "XORQ AX, AX")
	a.line("tops:")
	a.ops("MOVQ AX, BX", "SHLQ $6, BX", "VMULPS (DI)(BX*1), Z9, Z0", "VMULPS Z31, Z0, Z0", "VMOVUPS Z0, (DI)(BX*1)",
		"VMOVAPS Z8, Z5", "VMOVAPS Z0, K2, Z5",
		"VEXTRACTF64X4 $1, Z5, Y6", "VMAXPS Y6, Y5, Y5", "VEXTRACTF128 $1, Y5, X6", "VMAXPS X6, X5, X5",
		"VPERMILPS $0x4e, X5, X6", "VMAXPS X6, X5, X5", "VPERMILPS $0xb1, X5, X6", "VMAXPS X6, X5, X5",
		"VMAXSS (SI)(AX*4), X5, X5", "VMOVSS X5, (R9)(AX*4)", "INCQ AX", "CMPQ AX, R12", "JLT tops")
	a.ops("VMOVUPS.Z (SI), K3, Z0", "VMOVUPS.Z (R9), K3, Z6", "VMOVUPS Z6, K3, (SI)", "VSUBPS Z6, Z0, Z0")
	exp512(a)
	a.ops("VMOVUPS Z1, K3, (R9)", "XORQ AX, AX")
	a.line("weights:")
	a.ops("MOVQ AX, BX", "SHLQ $6, BX", "VMOVUPS (DI)(BX*1), Z0", "VSUBPS.BCST (SI)(AX*4), Z0, Z0")
	exp512(a)
	a.ops("VMOVAPS.Z Z1, K2, Z1", "VMULPS Z10, Z1, Z0", "VMOVUPS Z0, (DI)(BX*1)",
		"VEXTRACTF64X4 $1, Z1, Y6", "VADDPS Y6, Y1, Y5", "VEXTRACTF128 $1, Y5, X6", "VADDPS X6, X5, X5",
		"VPERMILPS $0x4e, X5, X6", "VADDPS X6, X5, X5", "VPERMILPS $0xb1, X5, X6", "VADDPS X6, X5, X5",
		"VMOVSS (R8)(AX*4), X6", "VMULSS (R9)(AX*4), X6, X6", "VADDSS X5, X6, X6", "VMOVSS X6, (R8)(AX*4)",
		"INCQ AX", "CMPQ AX, R12", "JLT weights", "VZEROUPPER", "RET")
}

// softmax256 is softmax512 by halves of a tile.
func softmax256(a *asm) {
	for i := range 8 {
		a.line("DATA ascending<>+%d(SB)/4, $%d", 4*i, i)
	}
	a.line("GLOBL ascending<>(SB), RODATA|NOPTR, $32")
	a.text("Softmax", 76)
	softmaxArgs(a)
	// Y6 and Y7 say which positions are seen, Y10 which rows there are.
	between := func(y int, offset int) {
		a.ops("MOVQ first+56(FP), AX", fmt.Sprintf("SUBQ $%d, AX", offset+1), "VMOVD AX, X0", "VPBROADCASTD X0, Y0",
			fmt.Sprintf("VPCMPGTD Y0, Y11, Y%d", y),
			"MOVQ last+64(FP), AX", fmt.Sprintf("SUBQ $%d, AX", offset-1), "VMOVD AX, X0", "VPBROADCASTD X0, Y0",
			"VPCMPGTD Y11, Y0, Y0", fmt.Sprintf("VPAND Y0, Y%d, Y%d", y, y))
	}
	a.op("VMOVDQU ascending<>(SB), Y11")
	between(6, 0)
	between(7, 8)
	a.ops("VMOVD R12, X0", "VPBROADCASTD X0, Y0", "VPCMPGTD Y11, Y0, Y10",
		"VBROADCASTSS scale+72(FP), Y8", "VBROADCASTSS negInf<>(SB), Y9", "XORQ AX, AX")
	a.line("tops:")
	a.ops("MOVQ AX, BX", "SHLQ $6, BX", "VMOVUPS (R10), Y0", "VMULPS (DI)(BX*1), Y0, Y0", "VMULPS Y8, Y0, Y0", "VMOVUPS Y0, (DI)(BX*1)",
		"VMOVUPS 32(R10), Y1", "VMULPS 32(DI)(BX*1), Y1, Y1", "VMULPS Y8, Y1, Y1", "VMOVUPS Y1, 32(DI)(BX*1)",
		"VBLENDVPS Y6, Y0, Y9, Y0", "VBLENDVPS Y7, Y1, Y9, Y1", "VMAXPS Y1, Y0, Y0",
		"VEXTRACTF128 $1, Y0, X1", "VMAXPS X1, X0, X0", "VPERMILPS $0x4e, X0, X1", "VMAXPS X1, X0, X0", "VPERMILPS $0xb1, X0, X1", "VMAXPS X1, X0, X0",
		"VMAXSS (SI)(AX*4), X0, X0", "VMOVSS X0, (R9)(AX*4)", "INCQ AX", "CMPQ AX, R12", "JLT tops")
	a.ops("VMASKMOVPS (SI), Y10, Y0", "VMASKMOVPS (R9), Y10, Y1", "VMASKMOVPS Y1, Y10, (SI)", "VSUBPS Y1, Y0, Y0")
	exp256(a)
	a.ops("VMASKMOVPS Y1, Y10, (R9)", "XORQ AX, AX")
	a.line("weights:")
	a.ops("MOVQ AX, BX", "SHLQ $6, BX")
	for half, mask := range []int{6, 7} {
		a.op("VMOVUPS %d(DI)(BX*1), Y0", 32*half)
		a.op("VBROADCASTSS (SI)(AX*4), Y1")
		a.op("VSUBPS Y1, Y0, Y0")
		exp256(a)
		a.op("VANDPS Y1, Y%d, Y%d", mask, 12+half)
		a.op("VMULPS %d(R11), Y%d, Y0", 32*half, 12+half)
		a.op("VMOVUPS Y0, %d(DI)(BX*1)", 32*half)
	}
	a.ops("VADDPS Y13, Y12, Y0", "VEXTRACTF128 $1, Y0, X1", "VADDPS X1, X0, X0",
		"VPERMILPS $0x4e, X0, X1", "VADDPS X1, X0, X0", "VPERMILPS $0xb1, X0, X1", "VADDPS X1, X0, X0",
		"VMOVSS (R8)(AX*4), X1", "VMULSS (R9)(AX*4), X1, X1", "VADDSS X0, X1, X1", "VMOVSS X1, (R8)(AX*4)",
		"INCQ AX", "CMPQ AX, R12", "JLT weights", "VZEROUPPER", "RET")
}

// prefetchX86 fetches n bytes, a line at a time, into the second-level cache.
func prefetchX86(a *asm) {
	a.text("Prefetch", 16)
	a.args("p", "SI", "n", "CX")
	a.ops("JMP check")
	a.line("loop:")
	a.ops("PREFETCHT1 (SI)", "ADDQ $64, SI", "SUBQ $64, CX")
	a.line("check:")
	a.ops("TESTQ CX, CX", "JGT loop", "RET")
}
