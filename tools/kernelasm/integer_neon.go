package main

import "fmt"

// dotPairs columns at a time: 4 registers of sums and 4 of products each.
const dotPairs = 2

// integer128 needs the dot-product extension.
func integer128(a *asm) {
	for c := 1; c <= dotCols; c++ {
		for _, b := range blockTypes {
			dot128(a, c, b)
		}
	}
}

// word writes an instruction of three registers that the assembler lacks.
func (a *asm) word(name string, base uint32, d, n, m int) {
	a.op("WORD $0x%08x // %s V%d, V%d, V%d", base|uint32(m)<<16|uint32(n)<<5|uint32(d), name, d, n, m)
}

const (
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
func dot128(a *asm, c int, b blocks) {
	a.text(fmt.Sprintf("Dot%sx%d", b.name, c), 64)
	a.ops("VMOVI $128, V31.B16", "VMOVI $15, V30.B16")
	for from, number := 0, 0; from < c; from, number = from+dotPairs, number+1 {
		walk128{b, c, from, min(dotPairs, c-from), number}.write(a)
	}
	a.op("RET")
}

// walk128 is one walk over the groups: columns from..from+cols-1 of c.
type walk128 struct {
	blocks
	c, from, cols, number int
}

func (p walk128) write(a *asm) {
	_, _, size := xBlock(p.c, 32)
	label := func(s string) string { return fmt.Sprintf("%s%d", s, p.number) }
	a.ops("MOVD y+0(FP), R0", "MOVD x+8(FP), R1", "MOVD w+16(FP), R2", "MOVD yStride+24(FP), R3", "MOVD groups+32(FP), R4", "MOVD carry+56(FP), R5")
	for range p.from {
		a.op("ADD R3, R0, R0")
	}
	a.op("ADD R3, R0, R6")
	a.op("CBNZ R5, %s", label("carry"))
	for i := range 4 * p.cols {
		a.op("VEOR V%d.B16, V%d.B16, V%d.B16", 8+i, 8+i, 8+i)
	}
	a.op("B %s", label("block"))
	a.line("%s:", label("carry"))
	each := func(format string) {
		for i := range 4 * p.cols {
			a.op(format, 8+i, 16*(i%4), []string{"R0", "R6"}[i/4])
		}
	}
	each("FMOVQ %[2]d(%[3]s), F%[1]d")
	a.line("%s:", label("block"))
	if p.affine {
		a.op("ADD $%d, R2, R9", affineGroups*p.size()) // the block's scales
		a.op("MOVD $%d, R8", affineGroups)
	}
	a.line("%s:", label("loop"))
	for i := range p.cols {
		a.op("FMOVQ %d(R1), F%d", 32*(p.from+i), 20+2*i)
		a.op("FMOVQ %d(R1), F%d", 32*(p.from+i)+16, 21+2*i)
	}
	p.sums(a)
	p.scale(a)
	a.ops(fmt.Sprintf("ADD $%d, R1, R1", size), fmt.Sprintf("ADD $%d, R2, R2", p.size()))
	if p.affine {
		a.ops("SUBS $1, R8, R8", "BNE "+label("loop"), "ADD $64, R2, R2", fmt.Sprintf("SUBS $%d, R4, R4", affineGroups), "BNE "+label("block"))
	} else {
		a.ops("SUBS $1, R4, R4", "BNE "+label("loop"))
	}
	each("FMOVQ F%[1]d, %[2]d(%[3]s)")
}

// broadcast128 loads four bytes off R1 into every lane of V29.
func broadcast128(a *asm, at int) {
	a.op("ADD $%d, R1, R7", at)
	a.op("VLD1R (R7), [V29.S4]")
}

// sums leaves the integer sums of a group in V0...
func (p walk128) sums(a *asm) {
	offsets, _, _ := xBlock(p.c, 32)
	for i := range p.cols {
		if p.four && !p.affine {
			broadcast128(a, offsets+4*(p.from+i))
		}
		for at := 4 * i; at < 4*i+4; at++ {
			if p.four && !p.affine {
				a.op("VMOV V29.B16, V%d.B16", at)
			} else {
				a.op("VEOR V%d.B16, V%d.B16, V%d.B16", at, at, at)
			}
		}
	}
	add := func(k int) {
		for i := range p.cols {
			for q := range 4 {
				a.sdot(4*i+q, 16+q, 20+2*i+k/4, k%4)
			}
		}
	}
	if !p.four {
		for k := range 8 {
			for q := range 4 {
				a.op("FMOVQ %d(R2), F%d", 64*k+16*q, 16+q)
				a.op("VEOR V31.B16, V%d.B16, V%d.B16", 16+q, 16+q)
			}
			add(k)
		}
		return
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

// scale adds the sums of a group to the products. The minima of an affine group
// come after its scales, in the same registers.
func (p walk128) scale(a *asm) {
	offsets, scales, _ := xBlock(p.c, 32)
	p.load(a, 0)
	for i := range p.cols {
		broadcast128(a, scales+4*(p.from+i))
		for q := range 4 {
			at := 4*i + q
			a.word("SCVTF", scvtf4S, at, at, 0)
			a.word("FMUL", fmul4S, 28, 24+q, 29)
			a.op("VFMLA V28.S4, V%d.S4, V%d.S4", at, 8+at)
		}
	}
	if !p.affine {
		return
	}
	p.load(a, 1)
	for i := range p.cols {
		broadcast128(a, offsets+4*(p.from+i))
		for q := range 4 {
			a.op("VFMLA V29.S4, V%d.S4, V%d.S4", 24+q, 8+4*i+q)
		}
	}
}

// load leaves the scales of 16 rows, or their minima, in V24..V27.
func (p walk128) load(a *asm, which int) {
	for q := range 4 {
		if q%2 == 0 && p.affine {
			a.op("FMOVQ %d(R9), F28", 32*which+8*q)
		} else if q%2 == 0 {
			a.op("FMOVQ %d(R2), F28", p.scaleAt()+8*q)
		}
		widen128(a, elements[2], 28, q%2, 24+q)
	}
	if !p.affine {
		return
	}
	a.op("FMOVQ %d(R2), F16", 256+16*which)
	a.ops("VUXTL V16.B8, V17.H8", "VUXTL2 V16.B16, V16.H8",
		"VUXTL V17.H4, V20.S4", "VUXTL2 V17.H8, V21.S4", "VUXTL V16.H4, V22.S4", "VUXTL2 V16.H8, V23.S4")
	for q := range 4 {
		a.word("SCVTF", scvtf4S, 20+q, 20+q, 0)
		a.word("FMUL", fmul4S, 24+q, 24+q, 20+q)
	}
}
