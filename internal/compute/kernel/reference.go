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
	k.pairsF32, k.runs = only(k.name, goPairs()), goRuns()
	for _, d := range []tensor.DType{tensor.Int8, tensor.Int4, tensor.Int4Affine} {
		var tile [dotCols]dotKernel
		for c := range tile {
			tile[c] = func(y, x, w unsafe.Pointer, yStride, groups, _, _, carry int) {
				goDot(c+1, y, x, w, yStride, groups, carry, d)
			}
		}
		k.dot[blockSlot(d)] = only(k.name, dotKernels{tile: tile, panel: blockGroups})
	}
	k.absMax, k.signedMax, k.quant, k.scales = goAbsMax, goSignedMax, goQuant, goScales
	for c := range tileCols {
		k.scores[c] = func(y, q, keys unsafe.Pointer, qStride, n int) { goScores(c+1, y, q, keys, qStride, n) }
		k.accumulatePV[c] = func(acc, p, v, rescale unsafe.Pointer, n, count int) {
			goAccumulatePV(c+1, acc, p, v, rescale, n, count)
		}
		k.packedTile[c] = func(lanes, x, w unsafe.Pointer, steps, carry int) { goPackedTile(c+1, lanes, x, w, steps, carry) }
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.F16} {
		for c := range tileCols {
			k.tile[slot(d)][c] = func(lanes, x, w unsafe.Pointer, xStride, wStride, n, _, carry int) {
				goTile(goTileArgs{d, c + 1, lanes, x, w, xStride, wStride, n, carry})
			}
		}
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		k.unpack[slot(d)] = func(dst, src unsafe.Pointer, n, step int) { goUnpack(d, dst, src, n, step) }
	}
	return k
}

// floats is n floats at p.
func floats(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

// goTileArgs are the parameters of tileKernel, with the type of w and the number
// of rows of x.
type goTileArgs struct {
	d                tensor.DType
	cols             int
	lanes, x, w      unsafe.Pointer
	xStride, wStride int
	n, carry         int
}

// goTile is a tileKernel.
//
//go:norace
func goTile(a goTileArgs) {
	size, all := a.d.Size(), floats(a.lanes, a.cols*tileRows*Lanes)
	if a.carry == 0 {
		clear(all)
	}
	var row [Lanes]float32
	for k := 0; k < a.n; k += Lanes {
		for r := range tileRows {
			at := unsafe.Add(a.w, r*a.wStride+k*size)
			tensor.Decode(row[:], unsafe.Slice((*byte)(at), Lanes*size), a.d)
			for c := range a.cols {
				xs := floats(unsafe.Add(a.x, c*a.xStride+4*k), Lanes)
				acc := (*[Lanes]float32)(all[(c*tileRows+r)*Lanes:])
				for j, v := range xs {
					acc[j] = FMA(v, row[j], acc[j])
				}
			}
		}
	}
}

// goPackedTile is a packedKernel for cols rows of x.
//
//go:norace
func goPackedTile(cols int, lanes, x, w unsafe.Pointer, steps, carry int) {
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

// goUnpack is an unpackKernel of elements of d.
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
