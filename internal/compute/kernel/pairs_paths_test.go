package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
			all.slim[c] = func(lanes, x, w unsafe.Pointer, wStride, steps, groups, _, carry int) {
				goSplitTiles(c+1, lanes, x, w, wStride, steps, groups, carry)
			}
		}
	}
	for c := range tileCols {
		all.panel[c] = func(lanes, x, w unsafe.Pointer, wStride, steps, groups, _, _, carry int) {
			goSplitTiles(c+1, lanes, x, w, wStride, steps, groups, carry)
		}
	}
	all.row, all.panelAlone, all.inOrder = all.tile[0], true, 5
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

// goSplitTiles is goSplitTile for groups of rows of w.
func goSplitTiles(c int, lanes, x, w unsafe.Pointer, wStride, steps, groups, carry int) {
	for g := range groups {
		goSplitTile(c, unsafe.Add(lanes, 4*g*c*tileRows*Lanes), x, unsafe.Add(w, g*tileRows*wStride), wStride, steps, carry)
	}
}

func TestEveryPathOfPairsIsTheDefinition(t *testing.T) {
	for _, bf16 := range []bool{false, true} {
		k, rng, s := withEveryPairKernel(bf16), rand.New(rand.NewPCG(27, 28)), NewScratch()
		for _, m := range []int{1, 2, 4, slimCols, slimCols + 1, 2*slimCols + 1, panelRows + 7} {
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

// Two products of 40 rows each, the second of other weights, in blocks of 32 and 8 rows:
// every block prefetches as many bytes as it has itself, from where the next one begins.
func TestBlocksArePrefetchedInOrder(t *testing.T) {
	const m, cols, rows = 6, 3 * inOrderSteps * pairStep, 40
	rng, s := rand.New(rand.NewPCG(29, 30)), NewScratch()
	x, first, second := narrowMatrix(rng, m, cols), randomWeight(t, rng, tensor.BF16, rows, cols), randomWeight(t, rng, tensor.BF16, rows, cols)
	var fetched []uintptr // lines
	k, all := *Go(), goPairs()
	all.inOrder = m
	all.slim[m-1] = func(lanes, x, w unsafe.Pointer, wStride, steps, groups, ahead, carry int) {
		goSplitTiles(m, lanes, x, w, wStride, steps, groups, carry)
		for line := range groups * tileRows * steps {
			fetched = append(fetched, uintptr(w)+uintptr(ahead+2*pairStep*line))
		}
	}
	k.pairsF32 = only("in order", all)
	y := tensor.NewMatrix(m, rows)
	k.SwiGLU(s, y, x, first, second, 0, rows)
	at := func(w tensor.Weight, row int) uintptr {
		return uintptr(unsafe.Pointer(&w.Data[0])) + uintptr(2*row*cols)
	}
	var want []uintptr
	for _, next := range []struct {
		from uintptr
		rows int
	}{{at(first, 32), 32}, {at(second, 0), 8}, {at(second, 32), 32}, {at(second, 40), 8}} {
		for line := range next.rows * cols / pairStep {
			want = append(want, next.from+uintptr(2*pairStep*line))
		}
	}
	if !slices.Equal(fetched, want) {
		t.Errorf("prefetched %d lines, expected %d, or in another order", len(fetched), len(want))
	}
}
