package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// DotRuns defines the dot product of x with bf16 weights w [k] in FamilyAMX. K is
// padded with zeros to runs of 32. The even elements of a run are one chain of fused
// multiply-adds from zero, the odd ones another; the two are added, and their sum is
// added to that of the runs before. Subnormals are zero. That is what TDPBF16PS
// computes for an x of bf16, a run for each instruction (Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 2).
//
//go:norace
func DotRuns(x, w []float32) float32 {
	sum := float32(0)
	for k := 0; k < len(x); k += pairStep {
		var xs, ws [pairStep]float32
		copy(xs[:], x[k:])
		copy(ws[:], w[k:len(x)])
		var even, odd float32
		for j := 0; j < pairStep; j += 2 {
			even = FlushFMA(Flush(xs[j]), Flush(ws[j]), even)
			odd = FlushFMA(Flush(xs[j+1]), Flush(ws[j+1]), odd)
		}
		sum = Flush(sum + Flush(even+odd))
	}
	return sum
}

// goRuns are the kernels of FamilyAMX in plain Go.
func goRuns() runKernels {
	k := runKernels{pack: goPackRuns}
	for c := range tileCols {
		k.rows[c] = func(y, x, w unsafe.Pointer, yStride, xStride, runs int) {
			goRunTile(c+1, y, x, w, yStride, xStride, runs)
		}
	}
	return k
}

// goPackRuns is a runPacker.
func goPackRuns(dst, w unsafe.Pointer, wStride, runs int) {
	out := unsafe.Slice((*uint32)(dst), runs*runBytes/4)
	for r := range runRows {
		for i, pair := range unsafe.Slice((*uint32)(unsafe.Add(w, r*wStride)), runs*runRows) {
			out[i*runRows+r] = pair
		}
	}
}

// goRunTile is a runKernel for rows rows of x.
//
//go:norace
func goRunTile(rows int, y, x, w unsafe.Pointer, yStride, xStride, runs int) {
	var ws [2 * runRows]float32 // a line of w
	for run := range runs {
		var sums [tileCols][2][runRows]float32
		for pair := range runRows {
			tensor.Decode(ws[:], unsafe.Slice((*byte)(unsafe.Add(w, run*runBytes+4*runRows*pair)), 4*runRows), tensor.BF16)
			for i := range rows {
				xs := floats(unsafe.Add(x, i*xStride+4*(run*pairStep+2*pair)), 2)
				for r := range runRows {
					sums[i][0][r] = FlushFMA(Flush(xs[0]), Flush(ws[2*r]), sums[i][0][r])
					sums[i][1][r] = FlushFMA(Flush(xs[1]), Flush(ws[2*r+1]), sums[i][1][r])
				}
			}
		}
		for i := range rows {
			for r, out := range floats(unsafe.Add(y, i*yStride), runRows) {
				floats(unsafe.Add(y, i*yStride), runRows)[r] = Flush(Flush(out) + Flush(sums[i][0][r]+sums[i][1][r]))
			}
		}
	}
}
