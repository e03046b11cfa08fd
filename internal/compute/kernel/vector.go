package kernel

import (
	"math"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Unpack widens src, elements of d in little-endian order, to dst, exactly.
func (k *Kernels) Unpack(dst []float32, src []byte, d tensor.DType) {
	n, size := len(dst)&^(Lanes-1), d.Size()
	src = src[:len(dst)*size]
	if n > 0 {
		k.unpack[slot(d)](at(dst, 0), pointer(src), n, 4*Lanes)
	}
	tensor.Decode(dst[n:], src[n*size:], d)
}

// SiLUMul is dst = SiLU(dst) * up.
func (k *Kernels) SiLUMul(dst, up []float32) {
	up = up[:len(dst)]
	n := len(dst) &^ (Lanes - 1)
	if n > 0 {
		k.siluMul(at(dst, 0), at(up, 0), n)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = SiLU(dst[i]) * up[i]
	}
}

// RMSNorm writes y = w * x/sqrt(mean(x^2)+eps) for one row; y may be x.
// Source: Zhang and Sennrich, arXiv 1910.07467.
func (k *Kernels) RMSNorm(s *Scratch, y, x, w []float32, eps float32) {
	y, w = y[:len(x)], w[:len(x)]
	mean := k.square(s, x) / float32(len(x))
	scale := 1 / float32(math.Sqrt(float64(mean+eps)))
	n := len(x) &^ (Lanes - 1)
	if n > 0 {
		k.scaleMul(at(y, 0), at(x, 0), at(w, 0), scale, n)
	}
	for i := n; i < len(x); i++ {
		y[i] = w[i] * float32(x[i]*scale)
	}
}

// square is the dot product of x with itself.
func (k *Kernels) square(s *Scratch, x []float32) float32 {
	k.runTile(s, 1, operands{x: at(x, 0), w: at(x, 0), dtype: tensor.F32, n: len(x)})
	k.reduce(at(s.outputs[:], 0), at(s.lanes, 0), 0, 1)
	return s.outputs[0]
}

// Round rounds every element to the nearest value of d, ties to even, in place.
func (k *Kernels) Round(v []float32, d tensor.DType) {
	n := len(v) &^ (Lanes - 1)
	if d != tensor.BF16 {
		n = 0
	}
	if n > 0 {
		k.roundBF16(at(v, 0), n)
	}
	tensor.Round(v[n:], d)
}

// Add is dst += v.
func (k *Kernels) Add(dst, v []float32) {
	v = v[:len(dst)]
	n := len(dst) &^ (Lanes - 1)
	if n > 0 {
		k.add(at(dst, 0), at(v, 0), n)
	}
	for i := n; i < len(dst); i++ {
		dst[i] += v[i]
	}
}
