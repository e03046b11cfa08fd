package main

import "fmt"

// The product of bf16 weights in runs of 32 elements of K, as TDPBF16PS adds them:
// the even elements of a run are one chain, the odd ones another, and their sum is
// added to the output. A panel has, for every run, 16 lines: a pair of elements of
// each of 16 rows of w. So a lane is an output.

// runBytes is the size of a run of 16 rows of w.
const runBytes = 1024

// runParams and packRunParams are parameters that package kernel explains.
const (
	runParams     = "(y, x, w unsafe.Pointer, yStride, xStride, runs int)"
	packRunParams = "(dst, w unsafe.Pointer, wStride, runs int)"
)

// runFamilies are those of the processors that emulate tiles.
var runFamilies = []family{
	{"Runsx", 1, tileCols, runParams, "adds the products of %d rows of f32 with a panel of 16 rows of bf16, run by run."},
	{"PackRuns", 0, 0, packRunParams, "transposes pairs of 16 rows of bf16, run by run."},
}

// runs writes them.
func (v vector) runs(a *asm) {
	for c := 1; c <= tileCols; c++ {
		v.runTile(a, c)
	}
	a.text("PackRuns", 32)
	a.args("dst", "DI", "w", "SI", "wStride", "R8", "runs", "CX")
	a.line("loop:")
	if v == zmm {
		transpose512(a)
	} else {
		transpose256(a)
	}
	a.ops("ADDQ $64, SI", fmt.Sprintf("ADDQ $%d, DI", runBytes), "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")
}

// runTile multiplies c rows of x, as many outputs of each at a time as a register
// holds. The outputs wait in memory: they are touched once a run.
func (v vector) runTile(a *asm, c int) {
	even := func(i int) string { return fmt.Sprint(v.letter, i) }
	odd := func(i int) string { return fmt.Sprint(v.letter, c+i) }
	reg := func(i int) string { return fmt.Sprint(v.letter, i) }
	w, x := [2]string{reg(2 * c), reg(2*c + 1)}, reg(2*c+2)
	a.frame(fmt.Sprintf("Runsx%d", c), 8, 48)
	subnormals(a)
	a.args("y", "DI", "x", "SI", "w", "DX", "yStride", "R8", "xStride", "R11", "runs", "CX")
	a.ops("LEAQ (R8)(R8*2), R9", "LEAQ (R8)(R8*4), R10", "LEAQ (R11)(R11*2), R12", "LEAQ (R11)(R11*4), R13")
	ys, xs := rowsAt("DI", "R8", "R9", "R10"), rowsAt("SI", "R11", "R12", "R13")
	if v == zmm {
		a.op("VPBROADCASTD high<>(SB), Z31")
	}
	a.line("loop:")
	for part := range 64 / v.bytes {
		for i := range 2 * c {
			a.op("VXORPS %s, %s, %s", reg(i), reg(i), reg(i))
		}
		for pair := range 16 {
			at := memory(64*pair+v.bytes*part, "DX")
			if v == zmm {
				a.ops(fmt.Sprintf("VPSLLD $16, %s, %s", at, w[0]), fmt.Sprintf("VPANDD %s, Z31, %s", at, w[1]))
			} else {
				a.ops(fmt.Sprintf("VMOVUPS %s, %s", at, w[1]), fmt.Sprintf("VPSLLD $16, %s, %s", w[1], w[0]), fmt.Sprintf("VPAND highs<>(SB), %s, %s", w[1], w[1]))
			}
			for parity := range 2 {
				for i := range c {
					from, to := fmt.Sprintf("%d%s", 8*pair+4*parity, xs[i]), [2]string{even(i), odd(i)}[parity]
					if v == zmm {
						a.op("VFMADD231PS.BCST %s, %s, %s", from, w[parity], to)
					} else {
						a.ops(fmt.Sprintf("VBROADCASTSS %s, %s", from, x), fmt.Sprintf("VFMADD231PS %s, %s, %s", x, w[parity], to))
					}
				}
			}
		}
		for i := range c {
			y := fmt.Sprintf("%d%s", v.bytes*part, ys[i])
			a.ops(fmt.Sprintf("VADDPS %s, %s, %s", odd(i), even(i), even(i)), fmt.Sprintf("VADDPS %s, %s, %s", y, even(i), even(i)), fmt.Sprintf("VMOVUPS %s, %s", even(i), y))
		}
	}
	a.ops("ADDQ $128, SI", fmt.Sprintf("ADDQ $%d, DX", runBytes), "DECQ CX", "JNZ loop")
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

// transpose512 writes the 16 dwords of 16 rows as 16 columns.
func transpose512(a *asm) {
	a.op("MOVQ SI, R9")
	for i := range 16 {
		a.ops(fmt.Sprintf("VMOVUPS (R9), Z%d", i), "ADDQ R8, R9")
	}
	transposeQuads(a, "Z", 16)
	cross := func(imm string, high, low, to int) { a.op("VSHUFF32X4 $%s, Z%d, Z%d, Z%d", imm, high, low, to) }
	for j := range 4 {
		cross("0x88", 4+j, j, 16)
		cross("0xdd", 4+j, j, 17)
		cross("0x88", 12+j, 8+j, 18)
		cross("0xdd", 12+j, 8+j, 19)
		for i, imm := range []string{"0x88", "0xdd"} {
			cross(imm, 18, 16, 20)
			cross(imm, 19, 17, 21)
			a.ops(fmt.Sprintf("VMOVUPS Z20, %d(DI)", 64*(8*i+j)), fmt.Sprintf("VMOVUPS Z21, %d(DI)", 64*(8*i+4+j)))
		}
	}
}

// transpose256 does so by squares of 8 times 8.
func transpose256(a *asm) {
	a.op("MOVQ SI, R10")
	for rows := range 2 {
		for cols := range 2 {
			a.op("MOVQ R10, R9")
			for i := range 8 {
				a.ops(fmt.Sprintf("VMOVUPS %d(R9), Y%d", 32*cols, i), "ADDQ R8, R9")
			}
			transposeQuads(a, "Y", 8)
			for j := range 4 {
				for i, imm := range []string{"0x20", "0x31"} {
					a.ops(fmt.Sprintf("VPERM2F128 $%s, Y%d, Y%d, Y8", imm, 4+j, j), fmt.Sprintf("VMOVUPS Y8, %d(DI)", 64*(8*cols+4*i+j)+32*rows))
				}
			}
		}
		a.op("MOVQ R9, R10")
	}
}

// transposeQuads transposes, in every 128 bits, squares of 4 times 4 dwords of the
// registers 0 to rows-1, by way of as many after them.
func transposeQuads(a *asm, letter string, rows int) {
	two := func(op string, second, first, to int) {
		a.op("%s %s%d, %s%d, %s%d", op, letter, second, letter, first, letter, to)
	}
	for i := 0; i < rows; i += 2 {
		two("VUNPCKLPS", i+1, i, rows+i)
		two("VUNPCKHPS", i+1, i, rows+i+1)
	}
	for i := 0; i < rows; i += 4 {
		t := rows + i
		two("VUNPCKLPD", t+2, t, i)
		two("VUNPCKHPD", t+2, t, i+1)
		two("VUNPCKLPD", t+3, t+1, i+2)
		two("VUNPCKHPD", t+3, t+1, i+3)
	}
}
