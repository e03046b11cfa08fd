package kernel

// Lanes is the number of partial sums of a dot product.
const Lanes = 16

// Dot defines the dot product of x and w [k]: lanes, tail and tree as every
// kernel has them. The tail is padded with zeros.
//
//go:norace
func Dot(x, w []float32) float32 {
	var acc [Lanes]float32
	w = w[:len(x)]
	whole := len(x) &^ (Lanes - 1)
	for j := 0; j < Lanes; j += 4 {
		var a0, a1, a2, a3 float32
		for k := j; k < whole; k += Lanes {
			xs, ws := x[k:k+4:k+4], w[k:k+4:k+4]
			a0 = FMA(xs[0], ws[0], a0)
			a1 = FMA(xs[1], ws[1], a1)
			a2 = FMA(xs[2], ws[2], a2)
			a3 = FMA(xs[3], ws[3], a3)
		}
		acc[j], acc[j+1], acc[j+2], acc[j+3] = a0, a1, a2, a3
	}
	if whole < len(x) {
		var xs, ws [Lanes]float32
		copy(xs[:], x[whole:])
		copy(ws[:], w[whole:])
		for j := range acc {
			acc[j] = FMA(xs[j], ws[j], acc[j])
		}
	}
	return tree(&acc)
}

// DotPairs defines the dot product of x with bf16 weights w [k]: lane j sums
// elements 2j+1 and 2j of each 32, in this order; subnormals are zero. That is
// what VDPBF16PS computes for an x of bf16 (Intel 64 and IA-32 Architectures
// Software Developer's Manual, volume 2).
//
//go:norace
func DotPairs(x, w []float32) float32 {
	var acc [Lanes]float32
	for k := 0; k < len(x); k += pairStep {
		var xs, ws [pairStep]float32
		copy(xs[:], x[k:])
		copy(ws[:], w[k:len(x)])
		for j := range acc {
			acc[j] = FlushFMA(Flush(xs[2*j+1]), Flush(ws[2*j+1]), acc[j])
			acc[j] = FlushFMA(Flush(xs[2*j]), Flush(ws[2*j]), acc[j])
		}
	}
	return tree(&acc)
}

// tree adds the lanes pairwise: j with j+8, then with j+4, j+2, j+1.
func tree(acc *[Lanes]float32) float32 {
	for step := Lanes / 2; step > 0; step /= 2 {
		for j := range step {
			acc[j] += acc[j+step]
		}
	}
	return acc[0]
}
