package tensor

import (
	"math"
	"testing"
)

// nearest is the definition: the representable value closest to v, ties to
// the even code.
func nearest(v float64, values func(uint16) float32, infinity uint16) uint16 {
	sign := uint16(0)
	if math.Signbit(v) {
		sign, v = 0x8000, -v
	}
	lo, hi := uint16(0), infinity
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if float64(values(mid)) <= v {
			lo = mid
		} else {
			hi = mid
		}
	}
	next := float64(values(hi))
	if hi == infinity { // the step beyond the largest finite value
		next = float64(values(lo)) + float64(values(lo)-values(lo-1))
	}
	below, above := v-float64(values(lo)), next-v
	if v >= float64(values(hi)) || below > above || (below == above && lo&1 == 1) {
		return sign | hi
	}
	return sign | lo
}

func TestHalfFormatsRoundTrip(t *testing.T) {
	for code := range 1 << 16 {
		h := uint16(code)
		if v := FromBF16(h); v == v && ToBF16(v) != h {
			t.Fatalf("bf16 %04x became %04x", h, ToBF16(v))
		}
		if v := FromF16(h); v == v && ToF16(v) != h {
			t.Fatalf("f16 %04x became %04x", h, ToF16(v))
		}
		if v := FromF16(h); v != v && FromF16(ToF16(v)) == FromF16(ToF16(v)) {
			t.Fatalf("f16 NaN %04x became a number", h)
		}
	}
}

func TestRoundingIsToNearestEven(t *testing.T) {
	check := func(v float32) {
		t.Helper()
		if got, want := ToF16(v), nearest(float64(v), FromF16, 0x7c00); got != want {
			t.Errorf("f16(%g) = %04x, want %04x", v, got, want)
		}
		if got, want := ToBF16(v), nearest(float64(v), FromBF16, 0x7f80); got != want {
			t.Errorf("bf16(%g) = %04x, want %04x", v, got, want)
		}
	}
	for code := uint16(0); code < 0x7bff; code += 3 {
		lo, hi := FromF16(code), FromF16(code+1)
		mid := (lo + hi) / 2
		for _, v := range []float32{mid, math.Nextafter32(mid, lo), math.Nextafter32(mid, hi), -mid} {
			check(v)
		}
	}
	for _, v := range []float32{0, 65504, 65519.99, 65520, 1e9, 1e-8, 2.98e-8, 3e-8, math.MaxFloat32, 1.17549435e-38, 1e-45} {
		check(v)
	}
	if ToBF16(float32(math.NaN())) == 0x7f80 || FromBF16(ToBF16(float32(math.NaN()))) == 0 {
		t.Error("bf16 NaN became a number")
	}
}

func TestEncodeDecode(t *testing.T) {
	src := []float32{0, 1, -2.5, 3.1415927, 1e-3, -65504}
	for _, d := range []DType{F32, F16, BF16} {
		want := append([]float32(nil), src...)
		Round(want, d)
		raw := make([]byte, len(src)*d.Size())
		Encode(raw, src, d)
		got := make([]float32, len(src))
		Decode(got, raw, d)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%v: %g became %g, want %g", d, src[i], got[i], want[i])
			}
		}
	}
}
