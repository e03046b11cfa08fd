package main

import "fmt"

// vector is a width of vector registers of x86: the letter of their names and
// their bytes.
type vector struct {
	letter string
	bytes  int
}

var ymm, zmm = vector{"Y", 32}, vector{"Z", 64}

// args loads arguments of 8 bytes that follow each other, from the first on.
// Each is written as its name and its register.
func (a *asm) args(nameAndRegister ...string) {
	for i := 0; i < len(nameAndRegister); i += 2 {
		a.op("MOVQ %s+%d(FP), %s", nameAndRegister[i], 4*i, nameAndRegister[i+1])
	}
}

// widen loads elements at a memory operand as f32: as many as a register holds.
func widen(a *asm, e element, mem, reg string) {
	switch e.name {
	case "F32":
		a.op("VMOVUPS %s, %s", mem, reg)
	case "BF16":
		a.ops("VPMOVZXWD "+mem+", "+reg, "VPSLLD $16, "+reg+", "+reg)
	case "F16":
		a.op("VCVTPH2PS %s, %s", mem, reg)
	case "I8":
		a.ops("VPMOVSXBD "+mem+", "+reg, "VCVTDQ2PS "+reg+", "+reg)
	}
}

// rowsAt are the addresses of rows 0..5 off a pointer, whose stride is s, three
// strides s3 and five strides s5.
func rowsAt(p, s, s3, s5 string) [6]string {
	return [6]string{
		fmt.Sprintf("(%s)", p), fmt.Sprintf("(%s)(%s*1)", p, s), fmt.Sprintf("(%s)(%s*2)", p, s),
		fmt.Sprintf("(%s)(%s*1)", p, s3), fmt.Sprintf("(%s)(%s*4)", p, s), fmt.Sprintf("(%s)(%s*1)", p, s5),
	}
}

// tileArgs loads the arguments of a tile and leaves rows of x and w.
func tileArgs(a *asm) (x, w, ahead [6]string) {
	a.args("lanes", "DI", "x", "SI", "w", "DX", "xStride", "R8", "wStride", "R11", "n", "CX", "ahead", "R13", "carry", "AX")
	a.ops("LEAQ (R8)(R8*2), R9", "LEAQ (R8)(R8*4), R10", "LEAQ (R11)(R11*2), R12", "ADDQ DX, R13")
	return rowsAt("SI", "R8", "R9", "R10"), rowsAt("DX", "R11", "R12", ""), rowsAt("R13", "R11", "R12", "")
}

// panelArgs loads the arguments of a panel.
func panelArgs(a *asm) {
	a.args("lanes", "DI", "x", "SI", "w", "DX", "steps", "CX", "carry", "AX")
}

// unpack widens n elements, a multiple of 16; groups of 16 are step bytes apart
// in dst.
func (v vector) unpack(a *asm, e element) {
	a.text("Unpack"+e.name, 32)
	a.args("dst", "DI", "src", "SI", "n", "CX", "step", "DX")
	a.op("JMP check")
	a.line("loop:")
	for i := range 64 / v.bytes {
		widen(a, e, memory(i*v.bytes/4*e.bytes, "SI"), fmt.Sprint(v.letter, i))
	}
	for i := range 64 / v.bytes {
		a.op("VMOVUPS %s%d, %s", v.letter, i, memory(i*v.bytes, "DI"))
	}
	a.ops(fmt.Sprintf("ADDQ $%d, SI", 16*e.bytes), "ADDQ DX, DI", "SUBQ $16, CX")
	a.line("check:")
	a.ops("TESTQ CX, CX", "JGT loop", "VZEROUPPER", "RET")
}

// prefetchw fetches the line at a register to be written. The assembler lacks it.
func prefetchw(at string) instruction {
	b := register(at)
	if b&7 == 4 || b&7 == 5 {
		panic("PREFETCHW (" + at + ") needs another form of address")
	}
	return instruction{[]int{0x40 | b>>3, 0x0f, 0x0d, 1<<3 | b&7}, "PREFETCHW (" + at + ")"}
}

// memory is the operand at an offset of a pointer.
func memory(offset int, register string) string {
	if offset == 0 {
		return "(" + register + ")"
	}
	return fmt.Sprintf("%d(%s)", offset, register)
}

// loop runs body for CX elements, a register of them at a time, and ends the
// function. It advances the pointers of the operands.
func (v vector) loop(a *asm, advance []string, body func()) {
	a.op("JMP check")
	a.line("loop:")
	body()
	for _, r := range advance {
		a.op("ADDQ $%d, %s", v.bytes, r)
	}
	a.op("SUBQ $%d, CX", v.bytes/4)
	a.line("check:")
	a.ops("TESTQ CX, CX", "JGT loop", "VZEROUPPER", "RET")
}

// scaleMul writes y = (x * scale) * w.
func (v vector) scaleMul(a *asm) {
	product, scale := v.letter+"0", v.letter+"5"
	a.text("ScaleMul", 40)
	a.args("y", "DI", "x", "SI", "w", "DX")
	a.ops("VBROADCASTSS scale+24(FP), "+scale, "MOVQ n+32(FP), CX")
	v.loop(a, []string{"DI", "SI", "DX"}, func() {
		a.ops("VMULPS (SI), "+scale+", "+product, "VMULPS (DX), "+product+", "+product, "VMOVUPS "+product+", (DI)")
	})
}

// add writes dst += v.
func (v vector) add(a *asm) {
	sum := v.letter + "0"
	a.text("Add", 24)
	a.args("dst", "DI", "v", "SI", "n", "CX")
	v.loop(a, []string{"DI", "SI"}, func() {
		a.ops("VMOVUPS (DI), "+sum, "VADDPS (SI), "+sum+", "+sum, "VMOVUPS "+sum+", (DI)")
	})
}
