package main

import "fmt"

// integer512 needs AVX-512 VNNI.
func integer512(a *asm) {
	dots(func(name string, c int, b blocks, lead bool) { dot512{b, c, lead}.write(a, name) })
	groups512(a)
}

// dot512 is one product of integers of AVX-512: 16 rows of weights times c rows
// of x. Every lane is one row of weights. Z0 on are the sums of a group, Z8 on
// the products, Z16 on scratch. Sums begin with the offset of x. Broadcasts are
// operands of the dot products: as instructions of their own they cost more than
// they save by reuse. Rows of y are far apart, so their lines are fetched for
// writing before the loop.
type dot512 struct {
	blocks
	c    int
	lead bool
}

func (p dot512) write(a *asm, name string) {
	_, _, size := xBlock(p.c, 32)
	a.text(name, 64)
	dotArgs(a, func() {
		for i := range p.c {
			a.op("VPXORD Z%d, Z%d, Z%d", 8+i, 8+i, 8+i)
		}
		a.op("MOVQ DI, R9")
		for range p.c {
			a.ops(prefetchw("R9").String(), "ADDQ R8, R9")
		}
	}, func() {
		a.op("MOVQ DI, R9")
		for i := range p.c {
			a.ops(fmt.Sprintf("VMOVUPS (R9), Z%d", 8+i), "ADDQ R8, R9")
		}
	})
	if p.four {
		a.ops("MOVL $0x0f0f0f0f, AX", "VPBROADCASTD AX, Z31")
	}
	if p.affine {
		a.line("block:")
		a.op("VCVTPH2PS %d(DX), Z28", affineGroups*p.size())
		a.op("VCVTPH2PS %d(DX), Z29", affineGroups*p.size()+32)
		a.op("MOVQ $%d, BX", affineGroups)
	}
	a.op("PCALIGN $32")
	a.line("loop:")
	p.sums(a)
	p.scale(a)
	a.ops(fmt.Sprintf("ADDQ $%d, SI", size), fmt.Sprintf("ADDQ $%d, DX", p.size()))
	if p.affine {
		a.ops("DECQ BX", "JNZ loop", "ADDQ $64, DX", fmt.Sprintf("SUBQ $%d, CX", affineGroups), "JNZ block")
	} else {
		a.ops("DECQ CX", "JNZ loop")
	}
	for i := range p.c {
		a.op("VMOVUPS Z%d, (DI)", 8+i)
		a.op("ADDQ R8, DI")
	}
	a.ops("VZEROUPPER", "RET")
}

// sums leaves the integer sums of a group in Z0 on.
func (p dot512) sums(a *asm) {
	offsets, _, _ := xBlock(p.c, 32)
	for i := range p.c {
		if p.affine {
			a.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
		} else {
			a.op("VPBROADCASTD %d(SI), Z%d", offsets+4*i, i)
		}
	}
	add := func(k, w int) {
		for i := range p.c {
			a.op("VPDPBUSD.BCST %d(SI), Z%d, Z%d", 32*i+4*k, w, i)
		}
	}
	if !p.four {
		for k := range 8 {
			a.op("VMOVDQU32 %d(DX), Z%d", 64*k, 16+k%4)
			p.prefetch(a, p.lead, k, 8)
			add(k, 16+k%4)
		}
		return
	}
	for k := range 4 {
		lo, hi := 16+k%2*2, 17+k%2*2
		a.ops(fmt.Sprintf("VMOVDQU32 %d(DX), Z%d", 64*k, hi), fmt.Sprintf("VPANDD Z31, Z%d, Z%d", hi, lo),
			fmt.Sprintf("VPSRLW $4, Z%d, Z%d", hi, hi), fmt.Sprintf("VPANDD Z31, Z%d, Z%d", hi, hi))
		p.prefetch(a, p.lead, k, 4)
		add(k, lo)
		add(k+4, hi)
	}
}

// scale adds the sums of a group, times their scales, to the products.
func (p dot512) scale(a *asm) {
	offsets, scales, _ := xBlock(p.c, 32)
	if p.affine {
		a.ops("VPMOVZXBD 256(DX), Z20", "VCVTDQ2PS Z20, Z20", "VMULPS Z28, Z20, Z20",
			"VPMOVZXBD 272(DX), Z21", "VCVTDQ2PS Z21, Z21", "VMULPS Z29, Z21, Z21")
	} else {
		a.op("VCVTPH2PS %d(DX), Z20", p.scaleAt())
	}
	for i := range p.c {
		a.op("VMULPS.BCST %d(SI), Z20, Z%d", scales+4*i, 22+i%4)
		a.op("VCVTDQ2PS Z%d, Z%d", i, i)
		a.op("VFMADD231PS Z%d, Z%d, Z%d", 22+i%4, i, 8+i)
	}
	for i := range p.c {
		if p.affine {
			a.op("VFMADD231PS.BCST %d(SI), Z21, Z%d", offsets+4*i, 8+i)
		}
	}
}

// groups512 writes the loops over groups of 32 numbers.
func groups512(a *asm) {
	fold := func(op string) { // Z0 of 16 lanes into the lowest lane
		a.ops("VEXTRACTF64X4 $1, Z0, Y1", op+" Y1, Y0, Y0", "VEXTRACTF128 $1, Y0, X1", op+" X1, X0, X0",
			"VPSHUFD $0x4e, X0, X1", op+" X1, X0, X0", "VPSHUFD $0xb1, X0, X1", op+" X1, X0, X0")
	}
	a.text("AbsMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	a.ops("MOVL $0x7fffffff, AX", "VPBROADCASTD AX, Z5")
	a.line("loop:")
	a.ops("VPANDD (SI), Z5, Z0", "VPANDD 64(SI), Z5, Z1", "VPMAXUD Z1, Z0, Z0")
	fold("VPMAXUD")
	a.ops("VMOVSS X0, (DI)", "ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("SignedMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	a.ops("MOVL $0x7fffffff, AX", "VPBROADCASTD AX, Z5")
	a.line("loop:")
	a.ops("VMOVDQU32 (SI), Z2", "VMOVDQU32 64(SI), Z3", "VPANDD Z2, Z5, Z0", "VPANDD Z3, Z5, Z1", "VPMAXUD Z1, Z0, Z0")
	fold("VPMAXUD")
	a.ops("VPBROADCASTD X0, Z1", "VPCMPEQD Z1, Z2, K1", "VPCMPEQD Z1, Z3, K2", "VMOVD X0, DX", "MOVL DX, R8", "ORL $0x80000000, R8",
		"KORTESTW K2, K1", "CMOVLEQ R8, DX", "MOVL DX, (DI)", "ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("Scales", 32)
	a.args("half", "DI", "inv", "SI", "d", "DX", "n", "CX")
	a.ops("VBROADCASTSS one<>(SB), Z3", "VPXORD Z4, Z4, Z4")
	a.line("loop:")
	a.ops("VMOVUPS (DX), Z0", "VCVTPS2PH $0, Z0, Y1", "VMOVDQU Y1, (DI)", "VCVTPH2PS Y1, Z2", "VCMPPS $4, Z4, Z2, K1",
		"VDIVPS.Z Z2, Z3, K1, Z2", "VMOVUPS Z2, (SI)", "ADDQ $64, DX", "ADDQ $32, DI", "ADDQ $64, SI", "SUBQ $16, CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("Quant", 40)
	a.args("q", "DI", "sums", "R8", "x", "SI", "inv", "DX", "groups", "CX")
	a.line("loop:")
	a.ops("VBROADCASTSS (DX), Z2", "VMULPS (SI), Z2, Z0", "VMULPS 64(SI), Z2, Z1", "VCVTPS2DQ Z0, Z0", "VCVTPS2DQ Z1, Z1",
		"MOVL $127, AX", "VPBROADCASTD AX, Z3", "VPMINSD Z3, Z0, Z0", "VPMINSD Z3, Z1, Z1",
		"MOVL $-127, AX", "VPBROADCASTD AX, Z3", "VPMAXSD Z3, Z0, Z0", "VPMAXSD Z3, Z1, Z1",
		"VPMOVDB Z0, (DI)", "VPMOVDB Z1, 16(DI)", "VPADDD Z1, Z0, Z0")
	fold("VPADDD")
	a.ops("VMOVD X0, (R8)", "ADDQ $128, SI", "ADDQ $32, DI", "ADDQ $4, R8", "ADDQ $4, DX", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")
}
