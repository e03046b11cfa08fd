package kernel

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Go is the reference: the definition of every loop, in plain Go.
func Go() *Kernels {
	k := &Kernels{
		name: "go", reduce: goReduce, siluMul: goSiLUMul, scaleMul: goScaleMul, roundBF16: goRoundBF16, add: goAdd,
		prefetch: func(unsafe.Pointer, int) {}, unpack8: goUnpack8, softmax: goSoftmax,
	}
	k.split = goPairs()
	for c := range dotCols {
		for _, d := range []tensor.DType{tensor.Int8, tensor.Int4, tensor.Int4Affine} {
			k.dot[blockSlot(d)][c] = func(y, x, w unsafe.Pointer, yStride, groups, carry int) {
				goDot(c+1, y, x, w, yStride, groups, carry, d)
			}
		}
	}
	k.absMax, k.farthest, k.quant, k.scales = goAbsMax, goFarthest, goQuant, goScales
	for c := range tileCols {
		k.scores[c] = func(y, q, keys unsafe.Pointer, qStride, n int) { goScores(c+1, y, q, keys, qStride, n) }
		k.weigh[c] = func(acc, p, v, fade unsafe.Pointer, n, count int) { goWeigh(c+1, acc, p, v, fade, n, count) }
		k.panel[c] = func(lanes, x, w unsafe.Pointer, steps, carry int) { goPanel(c+1, lanes, x, w, steps, carry) }
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.F16} {
		for c := range tileCols {
			k.tile[slot(d)][c] = func(lanes, x, w unsafe.Pointer, xStride, wStride, n, _, carry int) {
				goTile(d, c+1, lanes, x, w, xStride, wStride, n, carry)
			}
		}
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		k.unpack[slot(d)] = func(dst, src unsafe.Pointer, n, step int) { goUnpack(d, dst, src, n, step) }
	}
	return k
}

func floats(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

//go:norace
func goTile(d tensor.DType, cols int, lanes, x, w unsafe.Pointer, xStride, wStride, n, carry int) {
	all := floats(lanes, cols*tileRows*Lanes)
	if carry == 0 {
		clear(all)
	}
	var row [Lanes]float32
	for k := 0; k < n; k += Lanes {
		for r := range tileRows {
			at := unsafe.Add(w, r*wStride+k*d.Size())
			tensor.Decode(row[:], unsafe.Slice((*byte)(at), Lanes*d.Size()), d)
			for c := range cols {
				xs := floats(unsafe.Add(x, c*xStride+4*k), Lanes)
				acc := (*[Lanes]float32)(all[(c*tileRows+r)*Lanes:])
				for j, v := range xs {
					acc[j] = FMA(v, row[j], acc[j])
				}
			}
		}
	}
}

//go:norace
func goPanel(cols int, lanes, x, w unsafe.Pointer, steps, carry int) {
	all := floats(lanes, cols*tileRows*Lanes)
	if carry == 0 {
		clear(all)
	}
	xs, ws := floats(x, steps*cols*Lanes), floats(w, steps*tileRows*Lanes)
	for k := range steps {
		for c := range cols {
			v := (*[Lanes]float32)(xs[(k*cols+c)*Lanes:])
			for r := range tileRows {
				u := (*[Lanes]float32)(ws[(k*tileRows+r)*Lanes:])
				acc := (*[Lanes]float32)(all[(c*tileRows+r)*Lanes:])
				for j := range acc {
					acc[j] = FMA(v[j], u[j], acc[j])
				}
			}
		}
	}
}

func goUnpack(d tensor.DType, dst, src unsafe.Pointer, n, step int) {
	for i := 0; i < n; i += Lanes {
		raw := unsafe.Slice((*byte)(unsafe.Add(src, i*d.Size())), Lanes*d.Size())
		tensor.Decode(floats(unsafe.Add(dst, i/Lanes*step), Lanes), raw, d)
	}
}

//go:norace
func goReduce(y, lanes unsafe.Pointer, yStride, count int) {
	for i := range count {
		out := floats(unsafe.Add(y, i*yStride), tileRows)
		for r := range out {
			acc := *(*[Lanes]float32)(unsafe.Add(lanes, 4*Lanes*(i*tileRows+r)))
			out[r] = tree(&acc)
		}
	}
}

//go:norace
func goSiLUMul(dst, up unsafe.Pointer, n int) {
	ups := floats(up, n)
	for i, v := range floats(dst, n) {
		floats(dst, n)[i] = SiLU(v) * ups[i]
	}
}

//go:norace
func goScaleMul(y, x, w unsafe.Pointer, scale float32, n int) {
	out, xs, ws := floats(y, n), floats(x, n), floats(w, n)
	for i, v := range xs {
		out[i] = ws[i] * float32(v*scale)
	}
}

//go:norace
func goRoundBF16(v unsafe.Pointer, n int) { tensor.Round(floats(v, n), tensor.BF16) }

//go:norace
func goAdd(dst, v unsafe.Pointer, n int) {
	out := floats(dst, n)
	for i, u := range floats(v, n) {
		out[i] += u
	}
}
