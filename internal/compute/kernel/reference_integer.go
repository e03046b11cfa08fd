package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// goDot is a dotKernel for cols rows of x: the definition of a product with
// quantized weights, groups ascending, see the package comment.
//
//go:norace
func goDot(cols int, y, x, w unsafe.Pointer, yStride, groups, carry int, d tensor.DType) {
	size, inBlock := d.BlockBytes(), d.BlockGroups()
	for c := range cols {
		out := floats(unsafe.Add(y, c*yStride), tensor.BlockRows)
		if carry == 0 {
			clear(out)
		}
		for g := range groups {
			block := unsafe.Slice((*byte)(unsafe.Add(w, g/inBlock*size)), size)
			goDotGroup(out, packedGroup(x, cols, tensor.GroupCols, g), c, block, g%inBlock, d)
		}
	}
}

// goDotGroup adds group g of a block times row c of x to out.
//
//go:norace
func goDotGroup(out []float32, x group, c int, block []byte, g int, d tensor.DType) {
	scale, xs := x.scales()[c], x.row(c)
	for r := range out {
		q, w := blockRow(block, r, g, d)
		sum := int32(0)
		for j, v := range xs {
			sum += int32(q[j]) * int32(v)
		}
		out[r] = FMA(float32(sum), float32(w.scale*scale), out[r])
		if d == tensor.Int4Affine {
			out[r] = FMA(w.minimum, math.Float32frombits(uint32(x.offsets()[c])), out[r])
		}
	}
}

// rowScale says which weight an integer q of a row stands for: scale*q - minimum.
type rowScale struct{ scale, minimum float32 }

// blockRow reads row r of group g of a block.
//
//go:norace
func blockRow(block []byte, r, g int, d tensor.DType) (q [tensor.GroupCols]int, s rowScale) {
	half := func(at int) float32 { return tensor.FromF16(uint16(block[at]) | uint16(block[at+1])<<8) }
	if d == tensor.Int8 {
		for j := range q {
			q[j] = int(block[j/4*64+r*4+j%4]) - 128
		}
		return q, rowScale{scale: half(512 + 2*r)}
	}
	at, zero := g*tensor.AffineGroup, 0
	if d == tensor.Int4 {
		zero = 8
	}
	for j := range 16 {
		b := int(block[at+j/4*64+r*4+j%4])
		q[j], q[16+j] = b&15-zero, b>>4-zero
	}
	if d == tensor.Int4 {
		return q, rowScale{scale: half(256 + 2*r)}
	}
	const scales = tensor.AffineGroups * tensor.AffineGroup
	return q, rowScale{
		scale:   half(scales+2*r) * float32(block[at+256+r]),
		minimum: half(scales+32+2*r) * float32(block[at+272+r]),
	}
}

// goAbsMax finds the largest magnitude of each group. It compares bits, so that
// NaN is larger than infinity.
//
//go:norace
func goAbsMax(dst, x unsafe.Pointer, groups int) {
	xs := floats(x, groups*tensor.GroupCols)
	out := floats(dst, groups)
	for g := range out {
		var largest uint32
		for _, v := range xs[g*tensor.GroupCols:][:tensor.GroupCols] {
			largest = max(largest, math.Float32bits(v)&0x7fffffff)
		}
		out[g] = math.Float32frombits(largest)
	}
}

// goSignedMax finds the value of the largest magnitude of each group, the
// positive one of two.
//
//go:norace
func goSignedMax(dst, x unsafe.Pointer, groups int) {
	goAbsMax(dst, x, groups)
	xs := floats(x, groups*tensor.GroupCols)
	for g, largest := range floats(dst, groups) {
		positive := false
		for _, v := range xs[g*tensor.GroupCols:][:tensor.GroupCols] {
			positive = positive || math.Float32bits(v) == math.Float32bits(largest)
		}
		if !positive {
			floats(dst, groups)[g] = -largest
		}
	}
}

// goScales rounds scales to f16 and inverts them.
//
//go:norace
func goScales(half, inv, d unsafe.Pointer, n int) {
	halves, inverses := unsafe.Slice((*uint16)(half), n), floats(inv, n)
	for i, v := range floats(d, n) {
		halves[i], inverses[i] = tensor.ToF16(v), 0
		if r := tensor.FromF16(halves[i]); r != 0 {
			inverses[i] = 1 / r
		}
	}
}

// goQuant is a quantKernel.
//
//go:norace
func goQuant(q, sums, x, inv unsafe.Pointer, groups int) {
	n := groups * tensor.GroupCols
	qs, totals, xs, invs := unsafe.Slice((*int8)(q), n), unsafe.Slice((*int32)(sums), groups), floats(x, n), floats(inv, groups)
	for g := range groups {
		totals[g] = 0
		for j := g * tensor.GroupCols; j < (g+1)*tensor.GroupCols; j++ {
			v := math.RoundToEven(float64(xs[j] * invs[g]))
			if !(v >= -127 && v < 1<<31) {
				v = -127
			}
			qs[j] = int8(min(v, 127))
			totals[g] += int32(qs[j])
		}
	}
}
