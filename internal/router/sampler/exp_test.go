package sampler

import (
	"math"
	"testing"
)

func TestExpAndLogAreAccurate(t *testing.T) {
	for i := range 400_000 {
		x := -float64(i) * float64(i) * 4.4e-9
		if want, got := math.Exp(x), exp(x); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("exp(%v) = %v, expected %v", x, got, want)
		}
		y := 1 + float64(i)*0.37
		if want, got := math.Log(y), log(y); math.Abs(got-want) > 4e-15*math.Max(1, want) {
			t.Fatalf("log(%v) = %v, expected %v", y, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 1, -1000: 0, math.Inf(-1): 0} {
		if got := exp(x); got != want {
			t.Errorf("exp(%v) = %v, expected %v", x, got, want)
		}
	}
}

// TestExpBits pins bits that every architecture must give.
func TestExpBits(t *testing.T) {
	h := uint64(0)
	for i := range 10_000 {
		h = mix(h ^ math.Float64bits(exp(-float64(i)*0.0071)))
		h = mix(h ^ math.Float64bits(log(1+float64(float64(i)*1.7))))
	}
	const want uint64 = 0x8a228f0336dfa331
	if h != want {
		t.Errorf("the bits have the hash %#x, expected %#x", h, want)
	}
}

func BenchmarkExp(b *testing.B) {
	x, sum := -3.7, 0.0
	for b.Loop() {
		for i := range 1000 {
			sum += exp(x - float64(i)*0.001)
		}
	}
	_ = sum
}

func BenchmarkMathExp(b *testing.B) {
	x, sum := -3.7, 0.0
	for b.Loop() {
		for i := range 1000 {
			sum += math.Exp(x - float64(i)*0.001)
		}
	}
	_ = sum
}
