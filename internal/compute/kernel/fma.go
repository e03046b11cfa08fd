package kernel

import "math"

// FMA is a*b+c with one rounding.
//
// The product of two f32 is exact in f64. The f64 sum is rounded once more on
// its way to f32, which changes the result only when that sum lies exactly
// between two f32 values, or when the result is subnormal; then sumToOdd
// repairs it.
func FMA(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if u := math.Float64bits(s); u&0x1fffffff == 0x10000000 || u&^(1<<63) < 0x3810000000000000 {
		return float32(sumToOdd(a, b, c))
	}
	return float32(s)
}

// FlushFMA is FMA that returns zero for a subnormal result. No operand may be
// subnormal.
func FlushFMA(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if u := math.Float64bits(s); u&0x1fffffff == 0x10000000 || u&^(1<<63) < 0x3810000000000000 {
		// The smallest normal number is 2^-126. A sum below tiny rounds to less
		// than that if the exponent is unbounded.
		const tiny = 0x1p-126 - 0x1p-151
		s = sumToOdd(a, b, c)
		if math.Abs(s) < tiny {
			s = math.Copysign(0, s)
		}
	}
	return float32(s)
}

// Flush is v, or zero of its sign if v is subnormal.
func Flush(v float32) float32 {
	if u := math.Float32bits(v); u&0x7f800000 == 0 {
		return math.Float32frombits(u & 0x80000000)
	}
	return v
}

// sumToOdd is a*b + c in f64, rounded to odd: rounding it once more to f32 gives
// what rounding the exact sum to f32 would.
func sumToOdd(a, b, c float32) float64 {
	p, z := float64(float64(a)*float64(b)), float64(c)
	s := p + z
	if math.IsInf(s, 0) || s != s {
		return s
	}
	zz := s - p
	rest := (p - (s - zz)) + (z - zz)
	if u := math.Float64bits(s); rest != 0 && u&1 == 0 {
		if (rest > 0) == (s > 0) {
			u++
		} else {
			u--
		}
		s = math.Float64frombits(u)
	}
	return s
}
