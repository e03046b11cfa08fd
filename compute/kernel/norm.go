package kernel

import "math"

// RMSNorm writes y = w * x/sqrt(mean(x^2)+eps) for rows [n]; y may be x.
// Source: Zhang and Sennrich, arXiv 1910.07467.
//
//go:norace
func RMSNorm(y, x, w []float32, eps float32) {
	mean := Dot(x, x) / float32(len(x))
	scale := 1 / float32(math.Sqrt(float64(mean+eps)))
	for i, v := range x {
		y[i] = w[i] * float32(v*scale)
	}
}
