package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

var dtypes = []tensor.DType{tensor.F32, tensor.BF16, tensor.F16}

// everyKernel runs a test for each implementation this processor has.
func everyKernel(t *testing.T, test func(t *testing.T, k *Kernels)) {
	for _, k := range Available() {
		t.Run(k.Name(), func(t *testing.T) { test(t, k) })
	}
}

// HACHI_EXPECT_KERNEL names the implementations a machine must have, so that a
// test run that silently falls back is noticed.
func TestExpectedKernelsAreAvailable(t *testing.T) {
	for name := range strings.FieldsSeq(os.Getenv("HACHI_EXPECT_KERNEL")) {
		if _, err := Choose(name); err != nil {
			t.Error(err)
		}
	}
}

func TestChooseByName(t *testing.T) {
	if k, err := Choose("go"); err != nil || k.Name() != "go" {
		t.Errorf("go: %v, %v", k, err)
	}
	if k, err := Choose(""); err != nil || k.Name() != Best().Name() {
		t.Errorf("no name: %v, %v", k, err)
	}
	if _, err := Choose("avx1024"); err == nil || !strings.Contains(err.Error(), "go") {
		t.Errorf("an unknown name must list the known ones: %v", err)
	}
}

// fenced returns n bytes that end where readable memory ends, and skew bytes
// before where an aligned buffer would: a read past the end is a fault.
func fenced(t *testing.T, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, size+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(mem[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	return mem[size-n : size : size]
}

// values are normal numbers with some that make rounding and order visible.
func values(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
		switch rng.IntN(24) {
		case 0:
			out[i] *= 1 << 12
		case 1:
			out[i] = 0
		case 2:
			out[i] *= 1e-6
		}
	}
	return out
}

// randomWeight encodes values in fenced memory.
func randomWeight(t *testing.T, rng *rand.Rand, d tensor.DType, rows, cols int) tensor.Weight {
	w := tensor.Weight{DType: d, Rows: rows, Cols: cols, Data: fenced(t, rows*cols*d.Size())}
	tensor.Encode(w.Data, values(rng, rows*cols), d)
	return w
}

func randomMatrix(rng *rand.Rand, rows, cols int) tensor.Matrix {
	return tensor.Matrix{Rows: rows, Cols: cols, Stride: cols, Data: values(rng, rows*cols)}
}

// byDefinition is the product by Dot.
func byDefinition(x tensor.Matrix, w tensor.Weight) tensor.Matrix {
	y := tensor.NewMatrix(x.Rows, w.Rows)
	row, size := make([]float32, w.Cols), w.Cols*w.DType.Size()
	for o := range w.Rows {
		tensor.Decode(row, w.Data[o*size:(o+1)*size], w.DType)
		for i := range x.Rows {
			if w.DType == tensor.BF16 {
				y.Row(i)[o] = DotPairs(x.Row(i), row)
			} else {
				y.Row(i)[o] = Dot(x.Row(i), row)
			}
		}
	}
	return y
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %x (%g), want %x (%g)", what, i, math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
		}
	}
}

func TestMatMulIsItsDefinitionAtEveryLength(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(7, 8))
		s := NewScratch()
		for _, d := range dtypes {
			for n := 1; n <= 5*Lanes+1; n++ {
				for _, m := range []int{1, 2, 3, 4, 5, 6, 7, streamRows + 1} {
					x, w := randomMatrix(rng, m, n), randomWeight(t, rng, d, 7, n)
					y := tensor.NewMatrix(m, 7)
					k.MatMul(s, y, x, w, 0, 7)
					sameBits(t, fmt.Sprintf("%v, %d rows of %d", d, m, n), y.Data, byDefinition(x, w).Data)
				}
			}
		}
	})
}

func TestMatMulOnUnalignedWeights(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(9, 10))
		s := NewScratch()
		for _, d := range dtypes {
			for skew := range 4 {
				x, w := randomMatrix(rng, 3, 48), randomWeight(t, rng, d, 9, 48)
				moved := w
				moved.Data = append(make([]byte, skew, skew+len(w.Data)), w.Data...)[skew:]
				y := tensor.NewMatrix(3, 9)
				k.MatMul(s, y, x, moved, 0, 9)
				sameBits(t, fmt.Sprintf("%v, skew %d", d, skew), y.Data, byDefinition(x, w).Data)
			}
		}
	})
}

// A row of x gives the same bits among any other rows, and a column in any split
// over threads. Shapes cross the edges of tiles, blocks and panels.
func TestMatMulDoesNotDependOnOtherRowsOrSplits(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(11, 12))
		s, fresh := NewScratch(), NewScratch()
		sizes := []struct{ m, n, out int }{
			{streamRows, 40, 11}, {streamRows + 1, blockK + 7, blockW + 5}, {blockX + 3, 33, 2*blockW + 3}, {pairRows + 9, 70, blockW + 4}, {23, 2*blockK + 16, 8},
		}
		if k.Name() == "go" {
			sizes = sizes[:2]
		}
		for _, d := range dtypes {
			for _, c := range sizes {
				x, w := randomMatrix(rng, c.m, c.n), randomWeight(t, rng, d, c.out, c.n)
				whole, split := tensor.NewMatrix(c.m, c.out), tensor.NewMatrix(c.m, c.out)
				k.MatMul(s, whole, x, w, 0, c.out)
				cut := 1 + rng.IntN(c.out-1)
				k.MatMul(s, split, x, w, 0, cut)
				k.MatMul(fresh, split, x, w, cut, c.out)
				sameBits(t, fmt.Sprintf("%v %v split at %d", d, c, cut), split.Data, whole.Data)
				for i := range c.m {
					y := tensor.NewMatrix(1, c.out)
					k.MatMul(s, y, tensor.Matrix{Rows: 1, Cols: c.n, Stride: c.n, Data: x.Row(i)}, w, 0, c.out)
					sameBits(t, fmt.Sprintf("%v %v row %d alone", d, c, i), whole.Row(i), y.Data)
				}
				sameBits(t, fmt.Sprintf("%v %v", d, c), whole.Data, byDefinition(x, w).Data)
			}
		}
	})
}

func FuzzMatMul(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint16(64), uint8(8), uint8(0))
	f.Add(uint64(2), uint8(13), uint16(700), uint8(37), uint8(1))
	f.Add(uint64(3), uint8(100), uint16(17), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, m uint8, n uint16, out, dtype uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		x := randomMatrix(rng, int(m)+1, int(n%1200)+1)
		w := randomWeight(t, rng, dtypes[int(dtype)%len(dtypes)], int(out)%70+1, x.Cols)
		want := byDefinition(x, w)
		for _, k := range Available() {
			y := tensor.NewMatrix(x.Rows, w.Rows)
			k.MatMul(NewScratch(), y, x, w, 0, w.Rows)
			sameBits(t, k.Name(), y.Data, want.Data)
		}
	})
}

func TestMatMulRefusesWhatDoesNotFit(t *testing.T) {
	w := tensor.Weight{DType: tensor.BF16, Rows: 4, Cols: 16, Data: make([]byte, 128)}
	short := w
	short.Data = w.Data[:127]
	x, y := tensor.NewMatrix(1, 16), tensor.NewMatrix(1, 4)
	for name, call := range map[string]func(k *Kernels, s *Scratch){
		"short weights":   func(k *Kernels, s *Scratch) { k.MatMul(s, y, x, short, 0, 4) },
		"other width":     func(k *Kernels, s *Scratch) { k.MatMul(s, y, tensor.NewMatrix(1, 15), w, 0, 4) },
		"too many rows":   func(k *Kernels, s *Scratch) { k.MatMul(s, y, tensor.NewMatrix(2, 16), w, 0, 4) },
		"columns outside": func(k *Kernels, s *Scratch) { k.MatMul(s, y, x, w, 0, 5) },
		"short x":         func(k *Kernels, s *Scratch) { x := x; x.Data = x.Data[:15]; k.MatMul(s, y, x, w, 0, 4) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			call(Best(), NewScratch())
		}()
	}
}

// errorBound checks products against f64: half an ulp for every step of a
// lane's chain and of the tree.
func TestMatMulErrorAgainstFloat64(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	const n = 1000
	x, w := randomMatrix(rng, 2, n), randomWeight(t, rng, tensor.BF16, 8, n)
	y := tensor.NewMatrix(2, 8)
	Best().MatMul(NewScratch(), y, x, w, 0, 8)
	row := make([]float32, n)
	for o := range 8 {
		tensor.Decode(row, w.Data[2*n*o:2*n*(o+1)], w.DType)
		for i := range 2 {
			var exact, size float64
			for j, v := range x.Row(i) {
				exact += float64(v) * float64(row[j])
				size += math.Abs(float64(v) * float64(row[j]))
			}
			if diff := math.Abs(float64(y.Row(i)[o]) - exact); diff > size*(n/Lanes+5)*math.Pow(2, -24) {
				t.Errorf("row %d, output %d: off by %g of %g", i, o, diff, size)
			}
		}
	}
}

// hard are values at which Exp, rounding and comparison change course.
func hard() []float32 {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	out := []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, 88.7, 88.72283, 88.722839, 88.73, 89, 1e30, -1e30,
		-87.3, -87.4, -103.9, -103.97208, -103.98, -104, 1e-30, -1e-30, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
	for _, b := range []uint32{0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, 0x7f7fffff, 0x7f7f8000, 0x7f800001, 0xffffffff, 0x00008000} {
		out = append(out, math.Float32frombits(b))
	}
	return out
}

func TestVectorsEqualTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(15, 16))
		ref, s := Go(), NewScratch()
		for n := range 4*Lanes + 3 {
			a, b := values(rng, n), values(rng, n)
			for i := range a {
				if h := hard(); i%3 == 0 {
					a[i] = h[rng.IntN(len(h))]
				} else if i%3 == 1 {
					a[i] *= 30
				}
			}
			both := func(what string, f func(k *Kernels, out []float32)) {
				t.Helper()
				got, want := append([]float32(nil), a...), append([]float32(nil), a...)
				f(k, got)
				f(ref, want)
				sameBits(t, fmt.Sprintf("%s of %d", what, n), got, want)
			}
			both("SiLUMul", func(k *Kernels, out []float32) { k.SiLUMul(out, b) })
			both("Add", func(k *Kernels, out []float32) { k.Add(out, b) })
			for _, d := range dtypes {
				both("Round to "+d.String(), func(k *Kernels, out []float32) { k.Round(out, d) })
				raw := fenced(t, n*d.Size())
				tensor.Encode(raw, a, d)
				both("Unpack "+d.String(), func(k *Kernels, out []float32) { k.Unpack(out, raw, d) })
			}
			if n > 0 {
				a = values(rng, n)
				both("RMSNorm", func(k *Kernels, out []float32) { k.RMSNorm(s, out, a, b, 1e-5) })
			}
		}
	})
}
