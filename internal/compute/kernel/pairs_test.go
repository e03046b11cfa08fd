package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// narrowMatrix holds values of bf16.
func narrowMatrix(rng *rand.Rand, rows, cols int) tensor.Matrix {
	x := randomMatrix(rng, rows, cols)
	tensor.Round(x.Data, tensor.BF16)
	return x
}

func TestPairsOfBF16AreTheirDefinitionAtEveryLength(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(17, 18)), NewScratch()
		for n := 1; n <= 3*pairStep+1; n++ {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13} {
				x, w := narrowMatrix(rng, m, n), randomWeight(t, rng, tensor.BF16, 7, n)
				y := tensor.NewMatrix(m, 7)
				k.MatMul(s, y, x, w, 0, 7)
				sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byDefinition(x, w).Data)
			}
		}
	})
}

// Many rows go panel by panel: shapes cross the edges of blocks of x and of w.
func TestPairsOfManyRowsAreTheirDefinition(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		if k.Name() == "go" {
			return // it has no panels, and takes long
		}
		rng, s := rand.New(rand.NewPCG(23, 24)), NewScratch()
		for _, m := range []int{slimCols + 1, panelRows + 2, pairRows + 3} {
			for _, n := range []int{pairStep, bf16BlockSteps*pairStep + 40} {
				x, w := narrowMatrix(rng, m, n), randomWeight(t, rng, tensor.BF16, panelW+7, n)
				y := tensor.NewMatrix(m, w.Rows)
				k.MatMul(s, y, x, w, 0, w.Rows)
				sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byDefinition(x, w).Data)
				x.Row(0)[n-1] = math.Nextafter32(1, 2)
				k.MatMul(s, y, x, w, 0, w.Rows)
				sameBits(t, fmt.Sprintf("%d rows of %d, one of f32", m, n), y.Data, byDefinition(x, w).Data)
			}
		}
	})
}

// Few rows of f32 walk K in panels too, where it is long.
func TestPairsOfFewLongRowsAreTheirDefinition(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(25, 26)), NewScratch()
		for m := 1; m <= 4; m++ {
			n := slimBytes/m/4 + 40
			x, w := randomMatrix(rng, m, n), randomWeight(t, rng, tensor.BF16, 9, n)
			y := tensor.NewMatrix(m, w.Rows)
			k.MatMul(s, y, x, w, 0, w.Rows)
			sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byDefinition(x, w).Data)
		}
	})
}

// The instruction depends on whether all rows are bf16; the bits must not.
func TestPairsDoNotDependOnTheFormOfOtherRows(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(19, 20)), NewScratch()
		for _, n := range []int{64, bf16BlockSteps*pairStep + 40, 3*slimBytes/9/2 + 40} {
			x, w := narrowMatrix(rng, 9, n), randomWeight(t, rng, tensor.BF16, blockW+4, n)
			narrow, wide := tensor.NewMatrix(9, w.Rows), tensor.NewMatrix(9, w.Rows)
			k.MatMul(s, narrow, x, w, 0, w.Rows)
			// Only the last element, which packing reaches last.
			x.Row(8)[n-1] = math.Nextafter32(x.Row(8)[n-1], 2)
			k.MatMul(s, wide, x, w, 0, w.Rows)
			for i := range 8 {
				sameBits(t, fmt.Sprintf("%d columns, row %d", n, i), wide.Row(i), narrow.Row(i))
			}
			sameBits(t, fmt.Sprintf("%d columns, the changed row", n), wide.Row(8), byDefinition(x, w).Row(8))
		}
	})
}

// tinyValues have products and sums around the least normal number, subnormals,
// zeros of both signs and infinities.
func tinyValues(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		switch rng.IntN(12) {
		case 0:
			out[i] = float32(math.Copysign(0, rng.NormFloat64()))
		case 1:
			out[i] = math.Float32frombits(rng.Uint32() & 0x807fffff)
		case 2:
			out[i] = float32(math.Inf(1))
		default:
			out[i] = float32(rng.NormFloat64() * math.Pow(2, -63-float64(rng.IntN(2))))
		}
		if i%pairStep > 3 {
			out[i] = 0
		}
	}
	return out
}

func TestSubnormalsAreZeroInPairs(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(21, 22)), NewScratch()
		flushed := 0
		for i := range 300 {
			const n = 2 * pairStep
			x := tensor.Matrix{Rows: 2, Cols: n, Stride: n, Data: tinyValues(rng, 2*n)}
			if i%2 == 0 {
				tensor.Round(x.Data, tensor.BF16)
			}
			w := tensor.Weight{DType: tensor.BF16, Rows: 8, Cols: n, Data: make([]byte, 2*8*n)}
			tensor.Encode(w.Data, tinyValues(rng, 8*n), tensor.BF16)
			y := tensor.NewMatrix(2, 8)
			k.MatMul(s, y, x, w, 0, 8)
			sameBits(t, fmt.Sprintf("case %d", i), y.Data, byDefinition(x, w).Data)
			row := make([]float32, n)
			for r := range 2 {
				tensor.Decode(row, w.Data[:2*n], tensor.BF16)
				if Dot(x.Row(r), row) != DotPairs(x.Row(r), row) {
					flushed++
				}
			}
		}
		if flushed == 0 {
			t.Error("no case had a subnormal that counted")
		}
	})
}

func TestFlushFMARoundsOnceAndThenFlushes(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	normal := func(exponent int) float32 {
		return math.Float32frombits(rng.Uint32()&0x807fffff | uint32(exponent)<<23)
	}
	least := new(big.Float).SetMantExp(big.NewFloat(1), -126)
	for range 200_000 {
		a, b, c := normal(60+rng.IntN(6)), normal(62+rng.IntN(6)), normal(1+rng.IntN(4))
		if rng.IntN(4) == 0 { // a sum next to the least normal number
			a, b, c = 0x1p-63*(1+float32(rng.IntN(3))*0x1p-23), 0x1p-64*(1-float32(rng.IntN(3))*0x1p-24), 0x1p-126
			if rng.IntN(2) == 0 {
				b = -b * 0x1p-22
			}
		}
		exact := new(big.Float).SetPrec(1000).SetFloat64(float64(a))
		exact.Mul(exact, new(big.Float).SetFloat64(float64(b)))
		exact.Add(exact, new(big.Float).SetFloat64(float64(c)))
		rounded := new(big.Float).SetPrec(24).SetMode(big.ToNearestEven).Set(exact)
		want, _ := rounded.Float32()
		if new(big.Float).Abs(rounded).Cmp(least) < 0 {
			want = 0
		}
		if got := FlushFMA(a, b, c); got != want {
			t.Fatalf("FlushFMA(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
}
