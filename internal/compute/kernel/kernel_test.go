package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// exactFMA is the definition, by arbitrary precision.
func exactFMA(a, b, c float32) float32 {
	x := new(big.Float).SetPrec(1000).SetFloat64(float64(a))
	x.Mul(x, new(big.Float).SetFloat64(float64(b)))
	x.Add(x, new(big.Float).SetFloat64(float64(c)))
	f, _ := x.Float32()
	return f
}

func TestFMARoundsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	value := func() float32 {
		switch rng.IntN(4) {
		case 0:
			return float32(rng.NormFloat64())
		case 1: // few bits, so that sums fall between two values
			return float32(rng.IntN(1<<12)-1<<11) * float32(math.Pow(2, float64(rng.IntN(60)-30)))
		case 2:
			return math.Float32frombits(rng.Uint32()&0x807fffff | uint32(1+rng.IntN(80))<<23)
		default:
			return math.Float32frombits(rng.Uint32()&0x807fffff | uint32(100+rng.IntN(50))<<23)
		}
	}
	for i := range 400_000 {
		a, b, c := value(), value(), value()
		if i%3 == 0 { // put the sum next to a midpoint
			p := float64(a) * float64(b)
			c = float32(-p * (1 + math.Pow(2, float64(-rng.IntN(30)))))
		}
		if i%7 == 0 {
			c = float32(math.Pow(2, 24)) * a * b
		}
		got, want := FMA(a, b, c), exactFMA(a, b, c)
		if got != want {
			t.Fatalf("FMA(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
}

func TestFMASpecials(t *testing.T) {
	inf := float32(math.Inf(1))
	if FMA(inf, 1, 0) != inf || FMA(1, 1, -inf) != -inf || !math.IsNaN(float64(FMA(inf, 0, 1))) {
		t.Error("infinities and NaN do not follow IEEE 754")
	}
	if FMA(0, 1, 0) != 0 || FMA(1, -1, 1) != 0 {
		t.Error("exact zero is not zero")
	}
}

func TestExpWithinTwoUlp(t *testing.T) {
	for x := float32(-103); x < 88.7; x += 0.0037 {
		want := math.Exp(float64(x))
		got := float64(Exp(x))
		ulp := float64(math.Nextafter32(float32(want), math.MaxFloat32)) - float64(float32(want))
		if math.Abs(got-want) > 2*ulp {
			t.Fatalf("exp(%g) = %g, want %g", x, got, want)
		}
	}
	if Exp(float32(math.Inf(-1))) != 0 || Exp(-200) != 0 || !math.IsInf(float64(Exp(100)), 1) || Exp(0) != 1 {
		t.Error("wrong at the ends")
	}
	if nan := Exp(float32(math.NaN())); nan == nan {
		t.Error("exp(NaN) is a number")
	}
}

func TestDotAtEveryTailLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 3*Lanes + 2 {
		x, w := make([]float32, n), make([]float32, n)
		var lanes [Lanes]float32
		var exact float64
		for k := range n {
			x[k], w[k] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
			lanes[k%Lanes] = exactFMA(x[k], w[k], lanes[k%Lanes])
			exact += float64(x[k]) * float64(w[k])
		}
		got := Dot(x, w)
		if want := tree(&lanes); got != want {
			t.Errorf("length %d: %g, want %g by the definition", n, got, want)
		}
		if math.Abs(float64(got)-exact) > 1e-5*float64(n+1) {
			t.Errorf("length %d: %g, want about %g", n, got, exact)
		}
	}
}

func BenchmarkDot(b *testing.B) {
	x, w := make([]float32, 4096), make([]float32, 4096)
	for i := range x {
		x[i], w[i] = float32(i%17)-8.3, float32(i%13)-6.1
	}
	b.SetBytes(4096 * 4)
	for b.Loop() {
		Dot(x, w)
	}
}

// Rows that a Scratch holds are packed once; other rows replace them.
func TestHeldRowsArePackedOnce(t *testing.T) {
	for _, d := range []tensor.DType{tensor.BF16, tensor.Int8} {
		var h heldRows
		x := tensor.NewMatrix(3, 32)
		if h.replace(x, d) || h.replace(x, d) {
			t.Error("replace reports packed rows although nothing is held")
		}
		s := NewScratch()
		s.Hold()
		for i, other := range []tensor.Matrix{x, x.Slice(0, 2), x.Slice(1, 3), {Rows: 2, Cols: 32, Stride: 40, Data: x.Data}, {Rows: 2, Cols: 16, Stride: 40, Data: x.Data}} {
			if s.held.replace(other, d) {
				t.Errorf("rows %d are mistaken for the rows held before", i)
			}
			if !s.held.replace(other, d) {
				t.Errorf("rows %d are packed twice", i)
			}
		}
		if s.held.replace(x, tensor.F32); s.held.replace(x, d) {
			t.Error("rows packed for one type are used for another")
		}
		s.Release()
		if s.held.replace(x, d) {
			t.Error("holds after Release")
		}
	}
}
