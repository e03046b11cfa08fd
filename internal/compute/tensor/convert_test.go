package tensor

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
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

// TestLoopsOverBF16EqualSingleElements: values of every kind, in every lane of the
// loops and behind them.
func TestLoopsOverBF16EqualSingleElements(t *testing.T) {
	special := []uint32{0, 1, 0x7fffff, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fffffff, 0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		src := make([]float32, 1+random.IntN(9))
		for i := range src {
			bits := random.Uint32()
			if random.IntN(2) == 0 {
				bits = special[random.IntN(len(special))] | bits&(1<<31)
			}
			src[i] = math.Float32frombits(bits)
		}
		raw := make([]byte, 2*len(src))
		Encode(raw, src, BF16)
		back := make([]float32, len(src))
		Decode(back, raw, BF16)
		for i, v := range src {
			got := binary.LittleEndian.Uint16(raw[2*i:])
			if got != ToBF16(v) || math.Float32bits(back[i]) != uint32(got)<<16 {
				t.Fatalf("element %d of %x: encoded as %x, decoded as %x, expected %x", i, src, got, back[i], ToBF16(v))
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) { benchmarkRows(b, Encode) }

func BenchmarkDecode(b *testing.B) {
	benchmarkRows(b, func(raw []byte, row []float32, d DType) { Decode(row, raw, d) })
}

func benchmarkRows(b *testing.B, convert func([]byte, []float32, DType)) {
	row := make([]float32, 4096)
	for i := range row {
		row[i] = float32(i) * 0.7
	}
	for _, d := range []DType{F32, BF16, F16} {
		raw := make([]byte, len(row)*d.Size())
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(row)))
			for b.Loop() {
				convert(raw, row, d)
			}
		})
	}
}
