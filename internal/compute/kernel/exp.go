package kernel

import "math"

// Exp is e^x within 2 ulp, in f32 arithmetic only: 0 below -103.97, infinity
// above 88.72, NaN for NaN. Argument reduction after Cody and Waite, then a
// polynomial of degree 7.
func Exp(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 88.72283:
		return float32(math.Inf(1))
	case x < -103.97208:
		return 0
	}
	const (
		magic = 12582912 // 1.5 * 2^23: adding it rounds to an integer
		ln2Hi = 0.693145751953125
		ln2Lo = 1.42860677e-06
	)
	n := FMA(x, 1.44269504, magic) - magic
	r := FMA(n, -ln2Lo, FMA(n, -ln2Hi, x))
	p := float32(1.0 / 5040)
	for _, c := range [...]float32{1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1} {
		p = FMA(p, r, c)
	}
	// Two factors, because 2^n itself may be subnormal or infinite.
	half := int32(n) >> 1
	return p * pow2(half) * pow2(int32(n)-half)
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// SiLU is x * sigmoid(x).
func SiLU(x float32) float32 { return x / (1 + Exp(-x)) }
