package sm90

import (
	"math"
	"math/bits"
)

// Step is how many products one instruction adds to an accumulator at once.
const Step = 16

const (
	// fraction is the number of bits below the largest exponent that a sum keeps.
	fraction = 25
	// none is an exponent below all others: that of zero.
	none = -1 << 16
)

// number is a finite bf16: significand * 2^(exponent - 7). The significand is not
// normalized when the number is subnormal.
type number struct {
	significand int32 // with the sign
	exponent    int32 // none for zero, special for what is not finite
}

// special is an exponent above all others, also beside that of zero.
const special = 1 << 20

func decode(b uint16) number {
	exponent, significand := int32(b>>7&0xff), int32(b&0x7f)
	switch {
	case exponent == 0xff:
		return number{exponent: special}
	case exponent != 0:
		significand |= 0x80
	case significand == 0:
		return number{exponent: none}
	default:
		exponent = 1
	}
	if b>>15 != 0 {
		significand = -significand
	}
	return number{significand, exponent - 127}
}

// add is acc + w[0]*x[0] + ... + w[15]*x[15] in one step: every term is cut off
// fraction bits below the largest exponent, toward zero; the sum of what is left is
// exact, and cut off toward zero to f32. The exponent of a product is the sum of its
// factors', without a carry of the significands.
func add(acc float32, w, x []number) float32 {
	_, _ = w[Step-1], x[Step-1]
	raw := math.Float32bits(acc)
	accExponent, accSignificand := int32(raw>>23&0xff), int64(raw&0x7fffff)
	switch {
	case accExponent != 0:
		accSignificand |= 1 << 23
	case accSignificand != 0:
		accExponent = 1
	default:
		accExponent = none + 127
	}
	largest := accExponent - 127
	for i := range Step {
		largest = max(largest, w[i].exponent+x[i].exponent)
	}
	if largest <= none/2 { // zero everywhere
		return acc
	}
	if largest >= special/2 || accExponent == 0xff {
		return addSpecial(acc, w, x)
	}
	sum := cut(accSignificand<<(fraction-23), largest-(accExponent-127))
	if raw>>31 != 0 {
		sum = -sum
	}
	for i := range Step {
		product := int64(w[i].significand) * int64(x[i].significand)
		sign := product >> 63
		term := cut((product^sign)-sign, largest-w[i].exponent-x[i].exponent-(fraction-14))
		sum += (term ^ sign) - sign
	}
	return encode(sum, largest-fraction)
}

// cut is v / 2^by, toward zero. A negative by multiplies.
func cut(v int64, by int32) int64 {
	if by < 0 {
		return v << uint32(-by)
	}
	return v >> min(uint32(by), 63)
}

// encode is sum * 2^exponent as f32, toward zero.
func encode(sum int64, exponent int32) float32 {
	if sum == 0 {
		return 0
	}
	sign := uint32(0)
	if sum < 0 {
		sign, sum = 1<<31, -sum
	}
	length := int32(bits.Len64(uint64(sum)))
	biased := exponent + length - 1 + 127
	switch {
	case biased >= 0xff:
		return math.Float32frombits(sign | 0xff<<23)
	case biased < 1: // subnormal
		return math.Float32frombits(sign | uint32(cut(sum, -exponent-149)))
	}
	return math.Float32frombits(sign | uint32(biased)<<23 | uint32(cut(sum, length-24))&0x7fffff)
}

// addSpecial is add where a factor or the accumulator is infinite or no number. The
// dumps have no such sum: it follows IEEE 754, and no bits are promised.
func addSpecial(acc float32, w, x []number) float32 {
	for i := range Step {
		acc += w[i].float() * x[i].float()
	}
	return acc
}

// float is a number, where a special one is not a number.
func (n number) float() float32 {
	if n.exponent == special {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(float64(n.significand), int(n.exponent)-7))
}
