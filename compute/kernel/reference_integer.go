package kernel

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/compute/tensor"
)

// goDot is the definition of a product of integers: per group the exact sum of
// q*x, then one fused multiply-add of that sum and the product of the scales,
// groups ascending.
//
//go:norace
func goDot(cols int, y, x, w unsafe.Pointer, yStride, groups, carry int, d tensor.DType) {
	size := d.BlockBytes()
	for c := range cols {
		out := floats(unsafe.Add(y, c*yStride), tensor.BlockRows)
		if carry == 0 {
			clear(out)
		}
		for g := range groups {
			p := packedGroup(x, cols, g)
			scale := p.scales()[c]
			sums := blockSums(unsafe.Slice((*byte)(unsafe.Add(w, g*size)), size), p.row(c), d)
			for r, s := range sums {
				out[r] = FMA(float32(s.sum), float32(s.scale*scale), out[r])
			}
		}
	}
}

// rowSum is the exact sum of one row of a block times one group of x, and the
// row's scale.
type rowSum struct {
	sum   int32
	scale float32
}

//go:norace
func blockSums(block []byte, x []int8, d tensor.DType) (out [tensor.BlockRows]rowSum) {
	for r := range out {
		var q [tensor.BlockCols]int
		out[r].scale = blockRow(&q, block, r, d)
		for j, v := range q {
			out[r].sum += int32(v) * int32(x[j])
		}
	}
	return out
}

// blockRow reads a row of a block: integers and scale.
//
//go:norace
func blockRow(q *[tensor.BlockCols]int, block []byte, r int, d tensor.DType) float32 {
	half := func(at int) float32 { return tensor.FromF16(uint16(block[at]) | uint16(block[at+1])<<8) }
	if d == tensor.Int8 {
		for j := range q {
			q[j] = int(block[j/4*64+r*4+j%4]) - 128
		}
		return half(512 + 2*r)
	}
	zero := int(block[288+r])
	for j := range 16 {
		b := int(block[j/4*64+r*4+j%4])
		q[j], q[16+j] = b&15-zero, b>>4-zero
	}
	return half(256 + 2*r)
}

//go:norace
func goAbsMax(dst, x unsafe.Pointer, groups int) {
	xs := floats(x, groups*tensor.BlockCols)
	out := floats(dst, groups)
	for g := range out {
		var most uint32
		for _, v := range xs[g*tensor.BlockCols:][:tensor.BlockCols] {
			most = max(most, math.Float32bits(v)&0x7fffffff)
		}
		out[g] = math.Float32frombits(most)
	}
}

//go:norace
func goMinMax(dst, x unsafe.Pointer, groups int) {
	xs, out := floats(x, groups*tensor.BlockCols), floats(dst, 2*groups)
	for g := range groups {
		group := xs[g*tensor.BlockCols:][:tensor.BlockCols]
		lo, hi := group[0], group[0]
		for _, v := range group {
			lo, hi = min(lo, v), max(hi, v)
		}
		out[2*g], out[2*g+1] = lo, hi
	}
}

//go:norace
func goQuant(q, sums, x, inv unsafe.Pointer, groups int) {
	n := groups * tensor.BlockCols
	qs, totals, xs, invs := unsafe.Slice((*int8)(q), n), unsafe.Slice((*int32)(sums), groups), floats(x, n), floats(inv, groups)
	for g := range groups {
		totals[g] = 0
		for j := g * tensor.BlockCols; j < (g+1)*tensor.BlockCols; j++ {
			v := math.RoundToEven(float64(xs[j] * invs[g]))
			if !(v >= -127 && v < 1<<31) {
				v = -127
			}
			qs[j] = int8(min(v, 127))
			totals[g] += int32(qs[j])
		}
	}
}
