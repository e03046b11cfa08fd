package main

import "fmt"

// limits writes the loops that measure a machine: reading memory and nothing
// else, and arithmetic on registers and nothing else. reg is the letter of a
// vector register, bytes its width.
func limits(a *asm, reg string, bytes int) {
	a.text("Stream", 24)
	a.args("p", "SI", "n", "CX")
	for i := range 8 {
		a.op("VPXOR Y%d, Y%d, Y%d", i, i, i) // clears the whole register
	}
	a.op("JMP check")
	a.line("loop:")
	xor := "VPXOR"
	if reg == "Z" {
		xor = "VPXORQ"
	}
	for i := range 512 / bytes {
		a.op("%s %d(SI), %s%d, %s%d", xor, bytes*i, reg, i%8, reg, i%8)
	}
	a.ops("ADDQ $512, SI", "SUBQ $512, CX")
	a.line("check:")
	a.ops("CMPQ CX, $512", "JGE loop")
	for i := 1; i < 8; i++ {
		a.op("VPXOR Y%d, Y0, Y0", i)
	}
	a.ops("VMOVQ X0, AX", "MOVQ AX, ret+16(FP)", "VZEROUPPER", "RET")

	peak := func(name string, instruction func(acc int)) {
		a.text(name, 8)
		a.op("MOVQ n+0(FP), CX")
		for i := range 16 {
			a.op("VPXOR Y%d, Y%d, Y%d", i, i, i)
		}
		a.ops("TESTQ CX, CX", "JLE end")
		a.line("loop:")
		for i := range 12 {
			instruction(i)
		}
		a.ops("DECQ CX", "JNZ loop")
		a.line("end:")
		a.ops("VZEROUPPER", "RET")
	}
	each := func(name, instruction string) {
		peak(name, func(i int) { a.op("%s %s12, %s13, %s%d", instruction, reg, reg, reg, i) })
	}
	each("PeakFMA", "VFMADD231PS")
	if reg == "Y" {
		peak("PeakBytes", func(i int) {
			a.ops("VPMADDUBSW Y12, Y13, Y14", fmt.Sprintf("VPADDW Y14, Y%[1]d, Y%[1]d", i))
		})
	}
	if reg == "Z" {
		each("PeakVNNI", "VPDPBUSD")
		peak("PeakBF16", func(i int) { a.op("%s", dpbf16(i, 12, 13)) })
	}
}
