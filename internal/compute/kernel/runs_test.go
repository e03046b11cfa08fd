package kernel

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

var tiles = flag.Int("tiles", 3000, "random tiles of bf16 to compare with their definition")

// inFamilyAMX runs a test for each implementation, in FamilyAMX.
func inFamilyAMX(t *testing.T, test func(t *testing.T, k *Kernels)) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		in, err := k.In("amx-bf16")
		if err != nil || in.Family() != FamilyAMX {
			t.Fatalf("%v, %v", in, err)
		}
		test(t, in)
	})
}

// byRuns is the product by DotRuns.
func byRuns(x tensor.Matrix, w tensor.Weight) tensor.Matrix {
	y := tensor.NewMatrix(x.Rows, w.Rows)
	row := make([]float32, w.Cols)
	for o := range w.Rows {
		tensor.Decode(row, w.Data[2*o*w.Cols:2*(o+1)*w.Cols], w.DType)
		for i := range x.Rows {
			y.Row(i)[o] = DotRuns(x.Row(i), row)
		}
	}
	return y
}

// DotRuns by arbitrary precision: the chains, their sum, and zero for what is
// subnormal.
func TestDotRunsIsTheOrderOfTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	for range 300 {
		n := 1 + rng.IntN(3*pairStep)
		x, w := values(rng, n), values(rng, n)
		want := float32(0)
		for k := 0; k < n; k += pairStep {
			var chains [2]float32
			for j := k; j < min(n, k+pairStep); j++ {
				chains[j%2] = exactFMA(x[j], w[j], chains[j%2])
			}
			want = exactFMA(1, exactFMA(1, chains[0], chains[1]), want)
		}
		if got := DotRuns(x, w); got != want {
			t.Fatalf("%d products are %g, want %g", n, got, want)
		}
	}
	least := float32(0x1p-126)
	for _, c := range []struct {
		x, w []float32
		want float32
	}{
		{[]float32{least / 2}, []float32{4}, 0},                                  // a subnormal operand
		{[]float32{least, least * 1.5, 0, -least}, []float32{1, 1, 0, 1}, least}, // the sum of a chain is
		{[]float32{least, -1.5 * least}, []float32{1, 1}, 0},                     // the sum of chains is
		{[]float32{1, 1}, []float32{1, -1}, 0},
	} {
		if got := DotRuns(c.x, c.w); got != c.want {
			t.Errorf("%g by %g is %g, want %g", c.x, c.w, got, c.want)
		}
	}
}

func TestRunsAreTheirDefinitionAtEveryLength(t *testing.T) {
	inFamilyAMX(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(53, 54)), NewScratch()
		for n := 1; n <= 3*pairStep+1; n += 7 {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 16, 17} {
				for _, x := range []tensor.Matrix{narrowMatrix(rng, m, n), randomMatrix(rng, m, n)} {
					w := randomWeight(t, rng, tensor.BF16, 19, n)
					y := tensor.NewMatrix(m, w.Rows)
					k.MatMul(s, y, x, w, 0, w.Rows)
					sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byRuns(x, w).Data)
				}
			}
		}
	})
}

// Many rows and long ones, whose panels and blocks end within; columns in pieces;
// one row of f32 among those of bf16.
func TestRunsOfManyRowsAreTheirDefinition(t *testing.T) {
	inFamilyAMX(t, func(t *testing.T, k *Kernels) {
		rng, s := rand.New(rand.NewPCG(55, 56)), NewScratch()
		for _, m := range []int{31, 33, pairRows + 18} {
			n := runsAtOnce*pairStep + 40
			if k.Name() == "go" {
				m, n = 9, runsAtOnce*pairStep+1 // it takes long
			}
			x, w := narrowMatrix(rng, m, n), randomWeight(t, rng, tensor.BF16, 71, n)
			y := tensor.NewMatrix(m, w.Rows)
			k.MatMul(s, y, x, w, 0, w.Rows)
			sameBits(t, fmt.Sprintf("%d rows of %d", m, n), y.Data, byRuns(x, w).Data)
			x.Row(m - 1)[n-1] = math.Nextafter32(1, 2)
			k.MatMul(s, y, x, w, 5, 40)
			k.MatMul(s, y, x, w, 0, 5)
			k.MatMul(s, y, x, w, 40, w.Rows)
			sameBits(t, fmt.Sprintf("%d rows of %d, one of f32", m, n), y.Data, byRuns(x, w).Data)
		}
	})
}

// tileValues are values of bf16 over many exponents, or around those where sums
// are subnormal, with zeros, infinities and what is no number.
func tileValues(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	kind, special := rng.IntN(4), rng.IntN(8) == 0
	for i := range out {
		switch kind {
		case 0:
			out[i] = float32(rng.NormFloat64())
		case 1:
			out[i] = float32(rng.NormFloat64() * math.Pow(2, -63-float64(rng.IntN(3))))
		case 2:
			out[i] = math.Float32frombits(rng.Uint32()&0x807fffff | uint32(rng.IntN(254))<<23)
		case 3:
			out[i] = math.Float32frombits(rng.Uint32()&0x807fffff | uint32(rng.IntN(3))<<23)
		}
		if special && rng.IntN(40) == 0 {
			out[i] = []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}[rng.IntN(5)]
		}
	}
	tensor.Round(out, tensor.BF16)
	return out
}

// TestRandomTiles compares one run of some rows, with a panel, on every
// implementation, emulated or by tiles.
func TestRandomTiles(t *testing.T) {
	all := Available()
	for i, k := range all {
		all[i], _ = k.In("amx-bf16")
	}
	s, rng := NewScratch(), rand.New(rand.NewPCG(57, 58))
	w := tensor.Weight{DType: tensor.BF16, Rows: runRows, Cols: pairStep, Data: make([]byte, runBytes)}
	flushed := 0
	for i := range *tiles {
		x := tensor.Matrix{Rows: 1 + i%runRows, Cols: pairStep, Stride: pairStep}
		x.Data = tileValues(rng, x.Rows*x.Cols)
		tensor.Encode(w.Data, tileValues(rng, runRows*pairStep), tensor.BF16)
		want, y := byRuns(x, w), tensor.NewMatrix(x.Rows, runRows)
		for _, k := range all {
			k.MatMul(s, y, x, w, 0, runRows)
			sameBits(t, fmt.Sprintf("tile %d, %s", i, k.Name()), y.Data, want.Data)
		}
		for _, v := range want.Data {
			if v == 0 {
				flushed++
			}
		}
	}
	if flushed == 0 {
		t.Error("no sum was subnormal")
	}
}

func TestNumericsByName(t *testing.T) {
	for _, c := range []struct{ name, family string }{{"", Family}, {"pairs", Family}, {"amx-bf16", FamilyAMX}} {
		k, err := Best().In(c.name)
		if err != nil || k.Family() != c.family {
			t.Errorf("%q: %v, %v", c.name, k, err)
		}
	}
	if _, err := Best().In("amx"); err == nil {
		t.Error("numerics that do not exist")
	}
}
