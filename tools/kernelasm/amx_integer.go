package main

import "fmt"

// wideRows is the number of rows of x, and of w, of a product of tiles.
const wideRows = 16

// A group of a panel of w, as unpack writes it: 8 rows of 64 bytes, each of 4
// columns of 16 rows of w, then their scales and, for affine types, minima. A
// group of wideRows packed rows of x is xBlock(wideRows, 32).
const (
	panelScales  = 512
	panelMinima  = panelScales + 64
	panelSize    = panelScales + 64
	affineSize   = panelMinima + 64
	productBytes = 1024 // of a product of tiles
)

// amx needs AMX-TILE, AMX-INT8, AMX-BF16 and AVX-512.
func amx(a *asm) {
	a.tileConfig("integers", [8]tileShape{{16, 64}, {16, 64}, {}, {}, {16, 32}, {16, 32}, {8, 64}, {8, 64}})
	a.text("Enabled", 4)
	a.ops("XORL CX, CX", "XGETBV", "MOVL AX, ret+0(FP)", "RET")
	for _, b := range blockTypes {
		unpackPanel(a, b)
	}
	for _, affine := range []bool{false, true} {
		integerTiles{affine}.write(a)
	}
	for rows := 1; rows <= 2; rows++ {
		for panels := 1; panels <= 2; panels++ {
			runTiles{rows, panels}.write(a)
		}
	}
}

// unpackPanel rewrites groups of 16 rows of w with their integers as signed
// bytes.
func unpackPanel(a *asm, b blocks) {
	a.text("Unpack"+b.name, 24)
	a.args("dst", "DI", "w", "SI", "groups", "CX")
	switch {
	case b.affine:
		a.ops("MOVL $0x0f0f0f0f, AX", "VPBROADCASTD AX, Z31")
		a.line("block:")
		a.ops(fmt.Sprintf("VCVTPH2PS %d(SI), Z28", affineGroups*b.size()), fmt.Sprintf("VCVTPH2PS %d(SI), Z29", affineGroups*b.size()+32),
			fmt.Sprintf("MOVQ $%d, BX", affineGroups))
	case b.four:
		a.ops("MOVL $0x0f0f0f0f, AX", "VPBROADCASTD AX, Z31", "MOVL $0x08080808, AX", "VPBROADCASTD AX, Z30")
	default:
		a.ops("MOVL $0x80808080, AX", "VPBROADCASTD AX, Z30")
	}
	a.line("loop:")
	if b.four {
		for k := range 4 {
			a.ops(fmt.Sprintf("VMOVDQU32 %d(SI), Z1", 64*k), "VPANDD Z31, Z1, Z0", "VPSRLW $4, Z1, Z1", "VPANDD Z31, Z1, Z1")
			if !b.affine {
				a.ops("VPSUBB Z30, Z0, Z0", "VPSUBB Z30, Z1, Z1")
			}
			a.ops(fmt.Sprintf("VMOVDQU32 Z0, %d(DI)", 64*k), fmt.Sprintf("VMOVDQU32 Z1, %d(DI)", 64*(k+4)))
		}
	} else {
		for k := range 8 {
			a.ops(fmt.Sprintf("VPXORD %d(SI), Z30, Z0", 64*k), fmt.Sprintf("VMOVDQU32 Z0, %d(DI)", 64*k))
		}
	}
	size := panelSize
	if b.affine {
		size = affineSize
		a.ops("VPMOVZXBD 256(SI), Z2", "VCVTDQ2PS Z2, Z2", "VMULPS Z28, Z2, Z2", "VPMOVZXBD 272(SI), Z3", "VCVTDQ2PS Z3, Z3", "VMULPS Z29, Z3, Z3",
			fmt.Sprintf("VMOVUPS Z3, %d(DI)", panelMinima))
	} else {
		a.op("VCVTPH2PS %d(SI), Z2", b.scaleAt())
	}
	a.ops(fmt.Sprintf("VMOVUPS Z2, %d(DI)", panelScales), fmt.Sprintf("ADDQ $%d, SI", b.size()), fmt.Sprintf("ADDQ $%d, DI", size))
	if b.affine {
		a.ops("DECQ BX", "JNZ loop", "ADDQ $64, SI", fmt.Sprintf("SUBQ $%d, CX", affineGroups), "JNZ block")
	} else {
		a.ops("DECQ CX", "JNZ loop")
	}
	a.ops("VZEROUPPER", "RET")
}

// integerTiles is the product of 16 rows of x with a panel of 16 rows of w, group
// by group. A tile product gives the integer sums of a group, by way of memory,
// since no instruction moves a tile to vector registers. Tiles of the next group
// are on their way while vectors scale the sums of this one, so groups take turns
// in two sets of tiles and two places of memory. Z0 to Z15 are the rows of y.
type integerTiles struct{ affine bool }

func (p integerTiles) write(a *asm) {
	name, size := "Integers", panelSize
	if p.affine {
		name, size = "Affine", affineSize
	}
	a.text(name, 56)
	a.args("y", "DI", "x", "SI", "w", "DX", "sums", "R9", "yStride", "R8", "groups", "CX", "carry", "AX")
	a.ops("MOVQ $32, R10", "MOVQ $64, R11", "LEAQ integers<>(SB), BX")
	a.amxOp(ldtilecfg("BX"))
	a.ops("MOVQ DI, BX", "TESTQ AX, AX", "JNZ carry")
	for i := range wideRows {
		a.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	a.op("JMP start")
	a.line("carry:")
	for i := range wideRows {
		a.ops(fmt.Sprintf("VMOVUPS (BX), Z%d", i), "ADDQ R8, BX")
	}
	a.line("start:")
	p.tiles(a, 0, size, 0)
	a.line("loop:")
	for set := range 2 {
		a.ops("DECQ CX", fmt.Sprintf("JZ last%d", set))
		p.tiles(a, 1-set, size, 1)
		p.scale(a, set)
		p.advance(a, size)
	}
	a.op("JMP loop")
	for set := range 2 {
		a.line("last%d:", set)
		p.scale(a, set)
		if set == 0 {
			a.op("JMP end")
		}
	}
	a.line("end:")
	a.amxOp(tilerelease())
	for i := range wideRows {
		a.ops(fmt.Sprintf("VMOVUPS Z%d, (DI)", i), "ADDQ R8, DI")
	}
	a.ops("VZEROUPPER", "RET")
}

// tiles sums the group that lies ahead groups on, in a set of tiles.
func (p integerTiles) tiles(a *asm, set, size, ahead int) {
	_, _, xSize := xBlock(wideRows, 32)
	sums, x, w := tile(set), tile(4+set), tile(6+set)
	a.amxOp(tilezero(sums), tileload(ahead*xSize, "SI", "R10", x), tileload(ahead*size, "DX", "R11", w), tdpbssd(w, x, sums),
		tilestore(productBytes*set, "R9", "R11", sums))
}

func (p integerTiles) advance(a *asm, size int) {
	_, _, xSize := xBlock(wideRows, 32)
	a.ops(fmt.Sprintf("ADDQ $%d, SI", xSize), fmt.Sprintf("ADDQ $%d, DX", size))
}

// scale adds the sums of a group, times their scales, to y.
func (p integerTiles) scale(a *asm, set int) {
	offsets, scales, _ := xBlock(wideRows, 32)
	a.op("VMOVUPS %d(DX), Z16", panelScales)
	if p.affine {
		a.op("VMOVUPS %d(DX), Z17", panelMinima)
	}
	for i := range wideRows {
		s, m := 18+i%6, 24+i%6
		a.ops(fmt.Sprintf("VMULPS.BCST %d(SI), Z16, Z%d", scales+4*i, s), fmt.Sprintf("VCVTDQ2PS %d(R9), Z%d", productBytes*set+64*i, m),
			fmt.Sprintf("VFMADD231PS Z%d, Z%d, Z%d", s, m, i))
		if p.affine {
			a.op("VFMADD231PS.BCST %d(SI), Z17, Z%d", offsets+4*i, i)
		}
	}
}
