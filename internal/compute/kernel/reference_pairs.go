package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// goPairs is the definition of a product with bf16 weights, step by step.
func goPairs() pairKernels {
	p := pairKernels{pack: goSplitPairs, stepBytes: 8 * Lanes, blockSteps: f32BlockSteps}
	for c := range tileCols {
		p.tile[c] = func(lanes, x, w unsafe.Pointer, wStride, steps, _, carry int) {
			goSplitTile(c+1, lanes, x, w, wStride, steps, carry)
		}
	}
	return p
}

// goSplitPairs is a pairPacker: the odd elements of each step, then the even.
func goSplitPairs(dst, src unsafe.Pointer, steps, step int) int {
	in := floats(src, steps*pairStep)
	for i := range steps {
		out := floats(unsafe.Add(dst, i*step), pairStep)
		for j := range Lanes {
			out[j], out[Lanes+j] = in[i*pairStep+2*j+1], in[i*pairStep+2*j]
		}
	}
	return 0
}

// goSplitTile is a pairKernel for cols rows of x.
//
//go:norace
func goSplitTile(cols int, lanes, x, w unsafe.Pointer, wStride, steps, carry int) {
	all := floats(lanes, cols*tileRows*Lanes)
	if carry == 0 {
		clear(all)
	}
	xs := floats(x, steps*cols*pairStep)
	var row [pairStep]float32
	for k := range steps {
		for r := range tileRows {
			at := unsafe.Add(w, r*wStride+2*pairStep*k)
			tensor.Decode(row[:], unsafe.Slice((*byte)(at), 2*pairStep), tensor.BF16)
			for i, v := range row {
				row[i] = Flush(v)
			}
			for c := range cols {
				acc, step := (*[Lanes]float32)(all[(c*tileRows+r)*Lanes:]), xs[(k*cols+c)*pairStep:]
				for j := range acc {
					acc[j] = FlushFMA(Flush(step[j]), row[2*j+1], acc[j])
					acc[j] = FlushFMA(Flush(step[Lanes+j]), row[2*j], acc[j])
				}
			}
		}
	}
}
