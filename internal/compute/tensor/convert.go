package tensor

import (
	"encoding/binary"
	"math"
)

// Encode writes src as dst, little-endian, rounding to nearest even.
// len(dst) must be len(src)*d.Size().
func Encode(dst []byte, src []float32, d DType) {
	switch d {
	case F32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	case BF16:
		encodeBF16(dst, src)
	case F16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], ToF16(v))
		}
	default:
		panic("tensor: encode to " + d.String())
	}
}

// Decode reads src, little-endian, into dst, exactly. len(src) must be
// len(dst)*d.Size().
//
//go:norace
func Decode(dst []float32, src []byte, d DType) {
	switch d {
	case F32:
		src = src[:4*len(dst)]
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case BF16:
		decodeBF16(dst, src[:2*len(dst)])
	case F16:
		src = src[:2*len(dst)]
		for i := range dst {
			dst[i] = FromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	default:
		panic("tensor: decode from " + d.String())
	}
}

// Round rounds every element to the nearest value of d, in place.
func Round(v []float32, d DType) {
	switch d {
	case F32:
	case BF16:
		for i, x := range v {
			v[i] = FromBF16(ToBF16(x))
		}
	case F16:
		for i, x := range v {
			v[i] = FromF16(ToF16(x))
		}
	default:
		panic("tensor: round to " + d.String())
	}
}

// FromBF16 is exact.
func FromBF16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// ToBF16 rounds to nearest, ties to even.
func ToBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40 // keep a NaN a NaN
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// FromF16 is exact.
func FromF16(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp == 0:
		// Subnormal: frac * 2^-24 is exact in f32.
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// ToF16 rounds to nearest, ties to even; what is too large becomes infinite.
func ToF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, abs := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case abs > 0x7f800000:
		return sign | 0x7e00 | uint16(abs>>13&0x1ff)
	case abs >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case abs < 0x38800000: // below 2^-14: subnormal, units of 2^-24
		// Adding 0.5 aligns the unit of f32 at [0.5, 1) with 2^-24, so the
		// hardware does the rounding.
		sum := math.Float32frombits(abs) + 0.5
		return sign | uint16(math.Float32bits(sum)-0x3f000000)
	}
	abs += 0xfff + abs>>13&1
	return sign | uint16((abs-0x38000000)>>13)
}
