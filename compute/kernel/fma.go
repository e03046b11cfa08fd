package kernel

import "math"

// FMA is a*b+c with one rounding.
//
// The product of two f32 is exact in f64. The f64 sum is rounded once more on
// its way to f32, which changes the result only when that sum lies exactly
// between two f32 values, or when the result is subnormal; then roundToOdd
// repairs it.
func FMA(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if u := math.Float64bits(s); u&0x1fffffff == 0x10000000 || u&^(1<<63) < 0x3810000000000000 {
		return roundToOdd(a, b, c)
	}
	return float32(s)
}

// roundToOdd computes FMA through an f64 sum rounded to odd.
func roundToOdd(a, b, c float32) float32 {
	p, z := float64(float64(a)*float64(b)), float64(c)
	s := p + z
	if math.IsInf(s, 0) || s != s {
		return float32(s)
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
	return float32(s)
}
