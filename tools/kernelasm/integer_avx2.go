package main

import "fmt"

// 16 rows of weights are two registers of AVX2. A pass over a group takes both,
// and up to passCols columns of x, or halfCols where a column has two sums.
const (
	passCols = 4
	halfCols = 3
	// inRegisters is the maximum number of columns whose products stay in registers;
	// those of more columns wait on the stack.
	inRegisters = 2
)

// integer256 needs no more than AVX2: products of bytes are added in pairs of 16
// bits, which no operands overflow (see dot256).
func integer256(a *asm) {
	dots(func(name string, c int, b blocks, lead bool) { dot256{b, c}.write(a, name, lead) })
	groups256(a)
}

// dot256 is one product of integers of AVX2: 16 rows of weights times c rows of
// x.
//
// 4 bits: products are at most 15*127, and the 16 of a group that share a sum of
// 16 bits at most 30480. 8 bits: every byte of x is 16*upper + lower, both in
// -8..8, and a sum of 16 bits is at most 255*8*16 = 32640, for each half of its
// own.
type dot256 struct {
	blocks
	c int
}

// xBytes is the size of a group of a row of x.
func (p dot256) xBytes() int {
	if p.four {
		return 32
	}
	return 64
}

// passes are the columns of each pass over a group.
func (p dot256) passes() (out []span256) {
	most := passCols
	if !p.four {
		most = halfCols
	}
	for from := 0; from < p.c; {
		left := p.c - from
		pieces := (left + most - 1) / most
		cols := (left + pieces - 1) / pieces
		out = append(out, span256{p, from, cols})
		from += cols
	}
	return out
}

func (p dot256) write(a *asm, name string, lead bool) {
	_, _, size := xBlock(p.c, p.xBytes())
	frame := 0
	if p.c > inRegisters {
		frame = 64 * p.c
	}
	a.frame(name, frame, 64)
	dotArgs(a, func() { p.zero(a) }, func() { p.load(a) })
	if p.four {
		a.ops("MOVL $0x0f0f0f0f, AX", "VMOVD AX, X14", "VPBROADCASTD X14, Y14")
	}
	if p.affine {
		a.line("block:")
		a.op("MOVQ $%d, BX", affineGroups)
		a.op("LEAQ %d(DX), R11", affineGroups*p.size()) // the factors of the block
	}
	a.line("loop:")
	p.prefetch(a, lead, 0, 1)
	for _, pass := range p.passes() {
		pass.sums(a)
		pass.scale(a)
	}
	a.ops(fmt.Sprintf("ADDQ $%d, SI", size), fmt.Sprintf("ADDQ $%d, DX", p.size()))
	if p.affine {
		a.ops("DECQ BX", "JNZ loop", "ADDQ $64, DX", fmt.Sprintf("SUBQ $%d, CX", affineGroups), "JNZ block")
	} else {
		a.ops("DECQ CX", "JNZ loop")
	}
	p.store(a)
	a.ops("VZEROUPPER", "RET")
}

// product is the register of the products of a column and half of the rows.
func (p dot256) product(col, h int) int {
	if p.four {
		return 4 + 2*col + h
	}
	return 12 + 2*col + h
}

// zero starts the products.
func (p dot256) zero(a *asm) {
	if p.c <= inRegisters {
		for i := range 2 * p.c {
			a.op("VXORPS Y%[1]d, Y%[1]d, Y%[1]d", p.product(0, i))
		}
		return
	}
	a.op("VXORPS Y0, Y0, Y0")
	for i := range 2 * p.c {
		a.op("VMOVUPS Y0, %d(SP)", 32*i)
	}
}

// load continues the products that y holds, and store leaves them there.
func (p dot256) load(a *asm) {
	p.eachOfY(a, func(y string, i int) {
		if p.c <= inRegisters {
			a.op("VMOVUPS %s, Y%d", y, p.product(0, i))
		} else {
			a.ops("VMOVUPS "+y+", Y0", fmt.Sprintf("VMOVUPS Y0, %d(SP)", 32*i))
		}
	})
}

func (p dot256) store(a *asm) {
	p.eachOfY(a, func(y string, i int) {
		if p.c <= inRegisters {
			a.op("VMOVUPS Y%d, %s", p.product(0, i), y)
		} else {
			a.ops(fmt.Sprintf("VMOVUPS %d(SP), Y0", 32*i), "VMOVUPS Y0, "+y)
		}
	})
}

// eachOfY calls f for every half of every row of y, numbered in this order.
func (p dot256) eachOfY(a *asm, f func(y string, i int)) {
	a.op("MOVQ DI, R9")
	for i := range 2 * p.c {
		f(memory(32*(i%2), "R9"), i)
		if i%2 == 1 {
			a.op("ADDQ R8, R9")
		}
	}
}

// span256 is one pass over a group: columns from..from+cols-1 of c. Y8, Y9 and
// with 4 bits Y12, Y13 hold weights, then scales; Y10 what is broadcast, Y11
// scratch, Y14 the mask of 4 bits.
type span256 struct {
	dot256
	from, cols int
}

// sum is the register of the sums of a column and half of the rows.
func (p span256) sum(i, h int) int { return 2*i + h }

// upper is the register of the sums of the upper halves of x.
func (p span256) upper(i, h int) int {
	n := 2*(p.cols+i) + h
	if n >= 8 {
		n += 4
	}
	return n
}

// add adds the products of the bytes in two registers of weights and Y10 to the
// sums of 16 bits of a column: both products, then both sums, which Zen starts
// sooner than one after the other.
func (p span256) add(a *asm, first bool, weights [2]int, sum func(i, h int) int, i int) {
	if first {
		a.ops(fmt.Sprintf("VPMADDUBSW Y10, Y%d, Y%d", weights[0], sum(i, 0)), fmt.Sprintf("VPMADDUBSW Y10, Y%d, Y%d", weights[1], sum(i, 1)))
		return
	}
	a.ops(fmt.Sprintf("VPMADDUBSW Y10, Y%d, Y11", weights[0]), fmt.Sprintf("VPMADDUBSW Y10, Y%d, Y10", weights[1]),
		fmt.Sprintf("VPADDW Y11, Y%[1]d, Y%[1]d", sum(i, 0)), fmt.Sprintf("VPADDW Y10, Y%[1]d, Y%[1]d", sum(i, 1)))
}

// sums leaves the integer sums of a group in the registers sum.
func (p span256) sums(a *asm) {
	offsets, _, _ := xBlock(p.c, p.xBytes())
	if p.four {
		p.sums4(a)
	} else {
		p.sums8(a)
	}
	for i := range p.cols {
		if !p.affine {
			a.op("VPBROADCASTD %d(SI), Y10", offsets+4*(p.from+i))
		}
		for h := range 2 {
			sum := p.sum(i, h)
			a.op("VPMADDWD ones<>(SB), Y%[1]d, Y%[1]d", sum)
			if !p.four {
				a.op("VPMADDWD sixteens<>(SB), Y%[1]d, Y%[1]d", p.upper(i, h))
				a.op("VPADDD Y%[2]d, Y%[1]d, Y%[1]d", sum, p.upper(i, h))
			}
			if !p.affine {
				a.op("VPADDD Y10, Y%[1]d, Y%[1]d", sum)
			}
		}
	}
}

// sums8 leaves pairs of sums of both halves of x.
func (p span256) sums8(a *asm) {
	for k := range 8 {
		a.ops(fmt.Sprintf("VMOVDQU %d(DX), Y8", 64*k), fmt.Sprintf("VMOVDQU %d(DX), Y9", 64*k+32))
		for i := range p.cols {
			for half, sum := range []func(i, h int) int{p.sum, p.upper} {
				a.op("VPBROADCASTD %d(SI), Y10", 64*(p.from+i)+32*half+4*k)
				p.add(a, k == 0, [2]int{8, 9}, sum, i)
			}
		}
	}
}

// sums4 leaves pairs of sums. Half h of the rows has its lower weights in Y8 and
// Y12, its upper ones in Y9 and Y13.
func (p span256) sums4(a *asm) {
	for k := range 4 {
		for h := range 2 {
			lo, hi := 8+4*h, 9+4*h
			a.ops(fmt.Sprintf("VMOVDQU %d(DX), Y%d", 64*k+32*h, hi), fmt.Sprintf("VPAND Y14, Y%d, Y%d", hi, lo),
				fmt.Sprintf("VPSRLW $4, Y%[1]d, Y%[1]d", hi), fmt.Sprintf("VPAND Y14, Y%[1]d, Y%[1]d", hi))
		}
		for upper := range 2 {
			for i := range p.cols {
				a.op("VPBROADCASTD %d(SI), Y10", 32*(p.from+i)+4*k+16*upper)
				p.add(a, k+upper == 0, [2]int{8 + upper, 12 + upper}, p.sum, i)
			}
		}
	}
}

// scale adds the sums of a group, times their scales, to the products.
func (p span256) scale(a *asm) {
	offsets, scales, _ := xBlock(p.c, p.xBytes())
	for h := range 2 {
		if !p.affine {
			a.op("VCVTPH2PS %d(DX), Y%d", p.scaleAt()+16*h, 8+h)
			continue
		}
		for minimum := range 2 {
			to := 8 + h + 4*minimum
			a.ops(fmt.Sprintf("VPMOVZXBD %d(DX), Y%d", 256+16*minimum+8*h, to), fmt.Sprintf("VCVTDQ2PS Y%[1]d, Y%[1]d", to),
				fmt.Sprintf("VCVTPH2PS %d(R11), Y11", 32*minimum+16*h), fmt.Sprintf("VMULPS Y11, Y%[1]d, Y%[1]d", to))
		}
	}
	for i := range p.cols {
		a.op("VBROADCASTSS %d(SI), Y10", scales+4*(p.from+i))
		for h := range 2 {
			sum := p.sum(i, h)
			a.ops(fmt.Sprintf("VMULPS Y10, Y%d, Y11", 8+h), fmt.Sprintf("VCVTDQ2PS Y%[1]d, Y%[1]d", sum))
			if p.c <= inRegisters {
				a.op("VFMADD231PS Y11, Y%d, Y%d", sum, p.product(p.from+i, h))
			} else {
				a.op("VFMADD213PS %d(SP), Y11, Y%d", 64*(p.from+i)+32*h, sum)
			}
		}
		if p.affine {
			a.op("VBROADCASTSS %d(SI), Y10", offsets+4*(p.from+i))
		}
		for h := range 2 {
			product := p.product(p.from+i, h)
			if p.c > inRegisters {
				product = p.sum(i, h)
			}
			if p.affine {
				a.op("VFMADD231PS Y10, Y%d, Y%d", 12+h, product)
			}
			if p.c > inRegisters {
				a.op("VMOVUPS Y%d, %d(SP)", product, 64*(p.from+i)+32*h)
			}
		}
	}
}
