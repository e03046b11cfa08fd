package kernel

import "unsafe"

// goUnpack8 is an unpackKernel of signed bytes.
func goUnpack8(dst, src unsafe.Pointer, n, step int) {
	for i, q := range unsafe.Slice((*int8)(src), n) {
		floats(unsafe.Add(dst, i/Lanes*step), Lanes)[i%Lanes] = float32(q)
	}
}

// goScores is a scoresKernel for rows rows of q.
//
//go:norace
func goScores(rows int, y, q, keys unsafe.Pointer, qStride, n int) {
	ks := floats(keys, n*Tile)
	for r := range rows {
		var lanes [Tile][Lanes]float32
		for k, v := range floats(unsafe.Add(q, r*qStride), n) {
			for i, u := range ks[k*Tile : (k+1)*Tile] {
				lanes[i][k%Lanes] = FMA(v, u, lanes[i][k%Lanes])
			}
		}
		out := floats(unsafe.Add(y, 4*Tile*r), Tile)
		for i := range out {
			out[i] = tree(&lanes[i])
		}
	}
}

// goSoftmax is a softmaxKernel.
//
//go:norace
func goSoftmax(p, top, sum, rescale, keyScales, valueScales unsafe.Pointer, n, first, last int, scale float32) {
	tops, sums, rescales := floats(top, n), floats(sum, n), floats(rescale, n)
	ks, vs := floats(keyScales, Tile), floats(valueScales, Tile)
	for r := range n {
		w := (*[Tile]float32)(unsafe.Add(p, 4*Tile*r))
		high := tops[r]
		for i := first; i <= last; i++ {
			w[i] = float32(w[i]*ks[i]) * scale
			high = max(high, w[i])
		}
		rescales[r] = Exp(tops[r] - high)
		for i := range w {
			if i < first || i > last {
				w[i] = 0
			} else {
				w[i] = Exp(w[i] - high)
			}
		}
		weights := *w
		sums[r] = float32(sums[r]*rescales[r]) + tree(&weights)
		tops[r] = high
		for i, v := range vs {
			w[i] *= v
		}
	}
}

// goAccumulatePV is an accumulatePVKernel for rows rows.
//
//go:norace
func goAccumulatePV(rows int, acc, p, v, rescale unsafe.Pointer, n, count int) {
	for r, f := range floats(rescale, rows) {
		out := floats(unsafe.Add(acc, 4*n*r), n)
		for j := range out {
			out[j] *= f
		}
		for i, weight := range floats(unsafe.Add(p, 4*Tile*r), count) {
			for j, u := range floats(unsafe.Add(v, 4*n*i), n) {
				out[j] = FMA(weight, u, out[j])
			}
		}
	}
}
