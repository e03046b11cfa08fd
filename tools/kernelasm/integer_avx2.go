package main

import "fmt"

// 16 rows of weights are two registers of AVX2. A walk takes both and up to
// pairPass columns; where weights are affine, whose factors take registers too,
// one of them and dotPass columns.
const (
	pairPass = 2
	dotPass  = 3
)

// integer256 needs no more than AVX2: products of bytes are added in pairs of 16 bits,
// which no operands overflow (see dot256).
func integer256(a *asm) {
	for c := 1; c <= dotCols; c++ {
		for _, b := range blockTypes {
			dot256(a, c, b)
		}
	}
	groups256(a)
}

// dot256 multiplies 16 rows of weights with c rows of x. Y0.. are sums of a
// group, Y4.. the products, Y8..Y13 scratch.
//
// Pairs: with weights of 8 bits the product is |w| * (x with the sign of w),
// at most 128*127*2 < 2^15; with 4 bits at most 15*127*2, of which the eight of
// a group fit in 16 bits too.
func dot256(a *asm, c int, b blocks) {
	a.text(fmt.Sprintf("%s%d", b.name, c), 48)
	a.ops("VPCMPEQW Y15, Y15, Y15", "VPSRLW $15, Y15, Y15", "MOVL $0x0f0f0f0f, AX")
	if !b.four {
		a.op("MOVL $0x80808080, AX")
	}
	a.ops("VMOVD AX, X14", "VPBROADCASTD X14, Y14")
	if !b.affine {
		for from := 0; from < c; from += pairPass {
			walk256{blocks: b, c: c, from: from, cols: min(pairPass, c-from), halves: 2, first: from == 0}.write(a)
		}
	} else {
		for from := 0; from < c; from += dotPass {
			for half := range 2 {
				walk256{b, c, from, min(dotPass, c-from), half, 1, from+half == 0}.write(a)
			}
		}
	}
	a.ops("VZEROUPPER", "RET")
}

// walk256 is one walk over the groups: columns from..from+cols-1 of c, some
// halves of the rows.
type walk256 struct {
	blocks
	c, from, cols, half, halves int
	first                       bool // reads what no walk has read
}

// label is unique in a function.
func (p walk256) label(name string) string { return fmt.Sprintf("%s%d", name, 2*p.from+p.half) }

// sum is the register of the sums of a column and half of the walk.
func (p walk256) sum(i, h int) int { return p.halves*i + h }

func (p walk256) write(a *asm) {
	_, _, size := xBlock(p.c)
	a.args("y", "DI", "x", "SI", "w", "DX", "yStride", "R8", "groups", "CX")
	a.op("ADDQ $%d, DI", 32*p.half)
	for range p.from {
		a.op("ADDQ R8, DI")
	}
	a.ops("MOVQ carry+40(FP), AX", "TESTQ AX, AX", "JNZ "+p.label("carry"))
	for y := 4; y < 4+p.cols*p.halves; y++ {
		a.op("VXORPS Y%d, Y%d, Y%d", y, y, y)
	}
	a.op("JMP %s", p.label("block"))
	a.line("%s:", p.label("carry"))
	a.op("MOVQ DI, R9")
	for i := range p.cols {
		for h := range p.halves {
			a.op("VMOVUPS %d(R9), Y%d", 32*h, 4+p.sum(i, h))
		}
		a.op("ADDQ R8, R9")
	}
	a.line("%s:", p.label("block"))
	if p.affine {
		a.op("VCVTPH2PS %d(DX), Y12", affineGroups*p.size()+16*p.half)
		a.op("VCVTPH2PS %d(DX), Y13", affineGroups*p.size()+32+16*p.half)
		a.op("MOVQ $%d, BX", affineGroups)
	}
	a.line("%s:", p.label("loop"))
	if p.first {
		p.prefetch(a, p.c <= pairPass)
	}
	if p.four {
		p.sums4(a)
	} else {
		p.sums8(a)
	}
	p.scale(a)
	a.ops(fmt.Sprintf("ADDQ $%d, SI", size), fmt.Sprintf("ADDQ $%d, DX", p.size()))
	if p.affine {
		a.ops("DECQ BX", "JNZ "+p.label("loop"), "ADDQ $64, DX", fmt.Sprintf("SUBQ $%d, CX", affineGroups), "JNZ "+p.label("block"))
	} else {
		a.ops("DECQ CX", "JNZ "+p.label("loop"))
	}
	for i := range p.cols {
		for h := range p.halves {
			a.op("VMOVUPS Y%d, %d(DI)", 4+p.sum(i, h), 32*h)
		}
		a.op("ADDQ R8, DI")
	}
}

// rowAt is where half h of the walk's weights of step k lie.
func (p walk256) rowAt(k, h int) int { return 64*k + 32*(p.half+h) }

// sums8 leaves the integer sums of a group in Y0... Half h of the weights is in
// Y8 and Y12, its magnitudes in Y9 and Y13.
func (p walk256) sums8(a *asm) {
	for k := range 8 {
		for h := range p.halves {
			a.op("VPXOR %d(DX), Y14, Y%d", p.rowAt(k, h), 8+4*h)
			a.op("VPABSB Y%d, Y%d", 8+4*h, 9+4*h)
		}
		for i := range p.cols {
			a.op("VPBROADCASTD %d(SI), Y10", 32*(p.from+i)+4*k)
			for h := range p.halves {
				sum, to := p.sum(i, h), 11
				if k == 0 {
					to = sum
				}
				a.op("VPSIGNB Y%d, Y10, Y11", 8+4*h)
				a.op("VPMADDUBSW Y11, Y%d, Y11", 9+4*h)
				a.op("VPMADDWD Y15, Y11, Y%d", to)
				if k > 0 {
					a.op("VPADDD Y11, Y%d, Y%d", sum, sum)
				}
			}
		}
	}
}

// sums4 leaves the integer sums of a group in Y0... Half h of the lower weights
// is in Y8 and Y12, of the upper ones in Y9 and Y13; factors of affine weights
// stay in Y12 and Y13.
func (p walk256) sums4(a *asm) {
	offsets, _, _ := xBlock(p.c)
	for k := range 4 {
		for h := range p.halves {
			lo, hi := 8+4*h, 9+4*h
			a.ops(fmt.Sprintf("VMOVDQU %d(DX), Y%d", p.rowAt(k, h), hi), fmt.Sprintf("VPAND Y14, Y%d, Y%d", hi, lo),
				fmt.Sprintf("VPSRLW $4, Y%d, Y%d", hi, hi), fmt.Sprintf("VPAND Y14, Y%d, Y%d", hi, hi))
		}
		for upper := range 2 {
			for i := range p.cols {
				a.op("VPBROADCASTD %d(SI), Y10", 32*(p.from+i)+4*k+16*upper)
				for h := range p.halves {
					sum := p.sum(i, h)
					if k == 0 && upper == 0 {
						a.op("VPMADDUBSW Y10, Y%d, Y%d", 8+4*h, sum)
						continue
					}
					a.op("VPMADDUBSW Y10, Y%d, Y11", 8+4*h+upper)
					a.op("VPADDW Y11, Y%d, Y%d", sum, sum)
				}
			}
		}
	}
	for i := range p.cols {
		if !p.affine {
			a.op("VPBROADCASTD %d(SI), Y10", offsets+4*(p.from+i))
		}
		for h := range p.halves {
			sum := p.sum(i, h)
			a.op("VPMADDWD Y15, Y%d, Y%d", sum, sum)
			if !p.affine {
				a.op("VPADDD Y10, Y%d, Y%d", sum, sum)
			}
		}
	}
}

// scale adds the sums of a group to the products.
func (p walk256) scale(a *asm) {
	offsets, scales, _ := xBlock(p.c)
	if p.affine {
		a.ops(fmt.Sprintf("VPMOVZXBD %d(DX), Y8", 256+8*p.half), "VCVTDQ2PS Y8, Y8", "VMULPS Y12, Y8, Y8",
			fmt.Sprintf("VPMOVZXBD %d(DX), Y9", 272+8*p.half), "VCVTDQ2PS Y9, Y9", "VMULPS Y13, Y9, Y9")
	} else {
		for h := range p.halves {
			a.op("VCVTPH2PS %d(DX), Y%d", p.scaleAt()+16*(p.half+h), 8+h)
		}
	}
	for i := range p.cols {
		a.op("VBROADCASTSS %d(SI), Y10", scales+4*(p.from+i))
		for h := range p.halves {
			sum := p.sum(i, h)
			a.ops(fmt.Sprintf("VMULPS Y10, Y%d, Y11", 8+h), fmt.Sprintf("VCVTDQ2PS Y%d, Y%d", sum, sum), fmt.Sprintf("VFMADD231PS Y11, Y%d, Y%d", sum, 4+sum))
		}
		if p.affine {
			a.op("VBROADCASTSS %d(SI), Y10", offsets+4*(p.from+i))
			a.op("VFMADD231PS Y10, Y9, Y%d", 4+i)
		}
	}
}

// groups256 writes the loops over groups of 32 numbers.
func groups256(a *asm) {
	fold := func(op string) { // Y0 of 8 lanes into the lowest lane
		a.ops("VEXTRACTF128 $1, Y0, X1", op+" X1, X0, X0", "VPSHUFD $0x4e, X0, X1", op+" X1, X0, X0", "VPSHUFD $0xb1, X0, X1", op+" X1, X0, X0")
	}
	a.text("AbsMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	a.ops("VPCMPEQD Y5, Y5, Y5", "VPSRLD $1, Y5, Y5")
	a.line("loop:")
	a.op("VPAND (SI), Y5, Y0")
	for i := 1; i < 4; i++ {
		a.op("VPAND %d(SI), Y5, Y1", 32*i)
		a.op("VPMAXUD Y1, Y0, Y0")
	}
	fold("VPMAXUD")
	a.ops("VMOVSS X0, (DI)", "ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("SignedMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	a.ops("VPCMPEQD Y5, Y5, Y5", "VPSRLD $1, Y5, Y5")
	a.line("loop:")
	a.op("VPAND (SI), Y5, Y0")
	for i := 1; i < 4; i++ {
		a.op("VPAND %d(SI), Y5, Y1", 32*i)
		a.op("VPMAXUD Y1, Y0, Y0")
	}
	fold("VPMAXUD")
	a.ops("VPBROADCASTD X0, Y1", "VPCMPEQD (SI), Y1, Y2")
	for i := 1; i < 4; i++ {
		a.op("VPCMPEQD %d(SI), Y1, Y3", 32*i)
		a.op("VPOR Y3, Y2, Y2")
	}
	a.ops("VMOVD X0, DX", "MOVL DX, R8", "ORL $0x80000000, R8", "VPTEST Y2, Y2", "CMOVLEQ R8, DX", "MOVL DX, (DI)",
		"ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("Scales", 32)
	a.args("half", "DI", "inv", "SI", "d", "DX", "n", "CX")
	a.ops("VBROADCASTSS one<>(SB), Y3", "VXORPS Y4, Y4, Y4")
	a.line("loop:")
	a.ops("VMOVUPS (DX), Y0", "VCVTPS2PH $0, Y0, X1", "VMOVDQU X1, (DI)", "VCVTPH2PS X1, Y2", "VCMPPS $4, Y4, Y2, Y5",
		"VDIVPS Y2, Y3, Y2", "VANDPS Y5, Y2, Y2", "VMOVUPS Y2, (SI)", "ADDQ $32, DX", "ADDQ $16, DI", "ADDQ $32, SI", "SUBQ $8, CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("Quant", 40)
	a.args("q", "DI", "sums", "R8", "x", "SI", "inv", "DX", "groups", "CX")
	a.ops("MOVL $127, AX", "VMOVD AX, X6", "VPBROADCASTD X6, Y6", "MOVL $-127, AX", "VMOVD AX, X7", "VPBROADCASTD X7, Y7")
	a.line("loop:")
	a.ops("VBROADCASTSS (DX), Y8")
	for i := range 4 {
		a.op("VMULPS %d(SI), Y8, Y%d", 32*i, 2+i)
		a.op("VCVTPS2DQ Y%d, Y%d", 2+i, 2+i)
		a.op("VPMINSD Y6, Y%d, Y%d", 2+i, 2+i)
		a.op("VPMAXSD Y7, Y%d, Y%d", 2+i, 2+i)
	}
	a.ops("VPADDD Y2, Y3, Y0", "VPADDD Y4, Y0, Y0", "VPADDD Y5, Y0, Y0")
	fold("VPADDD")
	a.op("VMOVD X0, (R8)")
	// Packing works within halves: 8 bytes of each source go to each.
	a.ops("VPACKSSDW Y3, Y2, Y2", "VPACKSSDW Y5, Y4, Y4", "VPERMQ $0xd8, Y2, Y2", "VPERMQ $0xd8, Y4, Y4",
		"VPACKSSWB Y4, Y2, Y2", "VPERMQ $0xd8, Y2, Y2", "VMOVDQU Y2, (DI)")
	a.ops("ADDQ $128, SI", "ADDQ $32, DI", "ADDQ $4, R8", "ADDQ $4, DX", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")
}
