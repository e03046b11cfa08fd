package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// withEveryPairKernel is the reference with slim, row and panel kernels, and with
// a form for x of bf16. So processors without AVX-512 test these paths of the
// macro-kernel too.
func withEveryPairKernel(bf16 bool) *Kernels {
	k := *Go()
	all := goPairs()
	for c := range slimCols {
		if all.slim[c] = nil; bf16 || c < 3 {
			all.slim[c] = func(lanes, x, w unsafe.Pointer, wStride, steps, _, carry int) {
				goSplitTile(c+1, lanes, x, w, wStride, steps, carry)
			}
		}
	}
	for c := range tileCols {
		all.panel[c] = func(lanes, x, w unsafe.Pointer, wStride, steps, groups, _, _, carry int) {
			for g := range groups {
				goSplitTile(c+1, unsafe.Add(lanes, 4*g*(c+1)*tileRows*Lanes), x, unsafe.Add(w, g*tileRows*wStride), wStride, steps, carry)
			}
		}
	}
	all.row, all.panelAlone = all.tile[0], true
	if k.pairsF32 = only("every", all); bf16 {
		all.pack = func(dst, src unsafe.Pointer, steps, step int) (lost int) {
			for _, v := range floats(src, steps*pairStep) {
				lost |= int(math.Float32bits(v) & 0xffff)
			}
			goSplitPairs(dst, src, steps, step)
			return lost
		}
		k.pairsF32, k.pairsBF16 = Go().pairsF32, only("every", all)
	}
	return &k
}

func TestEveryPathOfPairsIsTheDefinition(t *testing.T) {
	for _, bf16 := range []bool{false, true} {
		k, rng, s := withEveryPairKernel(bf16), rand.New(rand.NewPCG(27, 28)), NewScratch()
		for _, m := range []int{1, 2, 4, slimCols, slimCols + 1, panelRows + 7} {
			for _, n := range []int{pairStep - 5, f32BlockSteps*pairStep + 40} {
				x, w := narrowMatrix(rng, m, n), randomWeight(t, rng, tensor.BF16, panelW+7, n)
				if !bf16 {
					x = randomMatrix(rng, m, n)
				}
				y := tensor.NewMatrix(m, w.Rows)
				k.MatMul(s, y, x, w, 0, w.Rows)
				sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byDefinition(x, w).Data)
			}
		}
	}
}
