package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

var quantized = []tensor.DType{tensor.Int8, tensor.Int4, tensor.Int4Affine}

// quantizedTo are those that weights are quantized to; the others are read.
var quantizedTo = []tensor.DType{tensor.Int8, tensor.Int4}

// randomBlocks are integers, scales and factors of any value, in fenced memory.
func randomBlocks(t *testing.T, rng *rand.Rand, d tensor.DType, rows, cols int) tensor.Weight {
	w := tensor.Weight{DType: d, Rows: rows, Cols: cols, Data: fenced(t, d.Bytes(rows, cols))}
	for at := 0; at < len(w.Data); at += d.BlockBytes() {
		block := w.Data[at : at+d.BlockBytes()]
		for i := range block {
			block[i] = byte(rng.Uint32())
		}
		scales := block[len(block)-2*tensor.BlockRows:]
		if d == tensor.Int4Affine {
			scales = block[len(block)-4*tensor.BlockRows:]
		}
		for ; len(scales) > 0; scales = scales[2:] {
			tensor.Encode(scales[:2], []float32{float32(rng.NormFloat64())}, tensor.F16)
		}
	}
	return w
}

// dequantize is the matrix that blocks stand for.
func dequantize(w tensor.Weight) tensor.Matrix {
	m := tensor.NewMatrix(w.Rows, w.Cols)
	_, blocks := w.DType.Blocks(w.Rows, w.Cols)
	size, wide := w.DType.BlockBytes(), w.DType.BlockGroups()*tensor.GroupCols
	for o := range w.Rows {
		for j := range w.Cols {
			block := w.Data[(o/tensor.BlockRows*blocks+j/wide)*size:]
			q, s := blockRow(block, o%tensor.BlockRows, j%wide/tensor.GroupCols, w.DType)
			m.Row(o)[j] = float32(s.scale*float32(q[j%tensor.GroupCols])) - s.minimum
		}
	}
	return m
}

func TestIntegerProductsEqualTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(21, 22))
		s := NewScratch()
		for _, d := range quantized {
			for _, n := range []int{1, 31, 32, 33, 64, 100, 128, 160, 260} {
				for m := 1; m <= dotCols+1; m++ {
					x, w := randomMatrix(rng, m, n), randomBlocks(t, rng, d, 37, n)
					got, want := tensor.NewMatrix(m, 37), tensor.NewMatrix(m, 37)
					Go().MatMul(NewScratch(), want, x, w, 0, 37)
					k.MatMul(s, got, x, w, 0, 37)
					sameBits(t, fmt.Sprintf("%v, %d rows of %d", d, m, n), got.Data, want.Data)
				}
			}
		}
	})
}

// Sums of products are largest where all integers are, and where both halves of
// them are, as those of 120: some instruction sets add in 16 bits.
func TestIntegerProductsOfTheLargestIntegers(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(35, 36))
		for _, d := range quantized {
			for _, fill := range []byte{0, 255} {
				w := randomBlocks(t, rng, d, 16, 256)
				size := 256 // integers of a group, whose scales follow
				if d == tensor.Int8 {
					size = 512
				}
				for at := 0; at < len(w.Data); at += d.BlockBytes() {
					for g := range d.BlockGroups() {
						for i := range size {
							w.Data[at+g*tensor.AffineGroup+i] = fill
						}
					}
				}
				for m := 1; m <= dotCols; m++ {
					x := tensor.NewMatrix(m, 256)
					for i := range x.Data {
						x.Data[i] = float32(1 - 2*(i/x.Cols&1))
						if i%x.Cols > tensor.GroupCols && i%tensor.GroupCols > 0 {
							x.Data[i] *= 120. / 127
						}
					}
					got, want := tensor.NewMatrix(m, 16), tensor.NewMatrix(m, 16)
					Go().MatMul(NewScratch(), want, x, w, 0, 16)
					k.MatMul(NewScratch(), got, x, w, 0, 16)
					sameBits(t, fmt.Sprintf("%v of %d, %d rows", d, fill, m), got.Data, want.Data)
				}
			}
		}
	})
}

func TestIntegerProductsDoNotDependOnOtherRowsOrSplits(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(23, 24))
		s := NewScratch()
		for _, d := range quantized {
			m, n, out := blockX+5, 70, 50
			if k.Name() != "go" && d == tensor.Int8 {
				m, n = blockX/2+7, (blockGroups+1)*tensor.GroupCols+8 // more groups than are multiplied at once
			}
			x, w := randomMatrix(rng, m, n), randomBlocks(t, rng, d, out, n)
			whole, split := tensor.NewMatrix(m, out), tensor.NewMatrix(m, out)
			k.MatMul(s, whole, x, w, 0, out)
			if k.Name() != "go" {
				Go().MatMul(s, split, x, w, 0, out)
				sameBits(t, "reference", whole.Data, split.Data)
			}
			k.MatMul(s, split, x, w, 0, 19)
			k.MatMul(NewScratch(), split, x, w, 19, out)
			sameBits(t, "split", split.Data, whole.Data)
			for i := range m {
				y := tensor.NewMatrix(1, out)
				k.MatMul(s, y, x.Slice(i, i+1), w, 0, out)
				sameBits(t, fmt.Sprintf("row %d alone", i), whole.Row(i), y.Data)
			}
		}
	})
}

// The error of a product is that of rounding x to integers, and of f32.
func TestIntegerProductErrorAgainstFloat64(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	const m, n, out = 3, 512, 32
	for _, d := range quantized {
		x, w := randomMatrix(rng, m, n), randomBlocks(t, rng, d, out, n)
		y, exact := tensor.NewMatrix(m, out), dequantize(w)
		Best().MatMul(NewScratch(), y, x, w, 0, out)
		for i := range m {
			for o := range out {
				var sum, bound float64
				for g := 0; g < n; g += tensor.GroupCols {
					var most, weights float64
					for j := g; j < g+tensor.GroupCols; j++ {
						a, b := float64(x.Row(i)[j]), float64(exact.Row(o)[j])
						sum += a * b
						most, weights = max(most, math.Abs(a)), weights+math.Abs(b)
					}
					bound += weights * most / 254
				}
				if diff := math.Abs(float64(y.Row(i)[o]) - sum); diff > 1.001*bound {
					t.Fatalf("%v, row %d, output %d: off by %g, bound %g", d, i, o, diff, bound)
				}
			}
		}
	}
}

func TestIntegerProductsOfNoNumbersAreNoNumbers(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(27, 28))
		for _, d := range quantized {
			w := randomBlocks(t, rng, d, 16, 64)
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x, y := randomMatrix(rng, 1, 64), tensor.NewMatrix(1, 16)
				x.Data[40] = float32(bad)
				k.MatMul(NewScratch(), y, x, w, 0, 16)
				for o, v := range y.Data {
					if math.Abs(float64(v)) <= math.MaxFloat32 {
						t.Errorf("%v: output %d of %g is %g", d, o, bad, v)
					}
				}
			}
		}
	})
}

func TestQuantizeIsNearAndEqualEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 30))
	for _, to := range quantizedTo {
		for _, d := range dtypes {
			const rows, cols = 21, 100
			w := randomWeight(t, rng, d, rows, cols)
			want := make([]byte, to.Bytes(rows, cols))
			if err := Go().Quantize(NewScratch(), want, to, w, 0, 2); err != nil {
				t.Fatal(err)
			}
			for _, k := range Available() {
				got, s := make([]byte, len(want)), NewScratch()
				for strip := range 2 {
					if err := k.Quantize(s, got, to, w, strip, strip+1); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s: %v to %v differs from the reference", k.Name(), d, to)
				}
			}
			checkNear(t, w, tensor.Weight{DType: to, Rows: rows, Cols: cols, Data: want})
		}
	}
}

// checkNear allows half a step, and for Int4 a whole one where the value
// opposite to the largest would need a ninth step, plus what rounding a step to
// f16 costs over all of them.
func checkNear(t *testing.T, w, q tensor.Weight) {
	t.Helper()
	got := dequantize(q)
	row := make([]float32, w.Cols)
	for o := range w.Rows {
		tensor.Decode(row, w.Data[o*w.Cols*w.DType.Size():(o+1)*w.Cols*w.DType.Size()], w.DType)
		for g := 0; g < w.Cols; g += tensor.GroupCols {
			group := row[g:min(g+tensor.GroupCols, w.Cols)]
			lo, hi := 0.0, 0.0
			for _, v := range group {
				lo, hi = min(lo, float64(v)), max(hi, float64(v))
			}
			bound := max(-lo, hi) / 127 * 0.6
			if q.DType == tensor.Int4 {
				bound = max(-lo, hi) / 8 * 1.01
			}
			for j, v := range group {
				if diff := math.Abs(float64(v - got.Row(o)[g+j])); diff > bound+1e-7 {
					t.Fatalf("%v to %v: row %d, column %d: %g became %g, bound %g", w.DType, q.DType, o, g+j, v, got.Row(o)[g+j], bound)
				}
			}
		}
	}
}

// A scale below the smallest of f16 loses bits, and integers of 4 bits are kept
// within their range.
func TestQuantizeOfTinyWeights(t *testing.T) {
	const unit = 1.0 / (1 << 24) // the smallest f16
	for _, k := range Available() {
		for _, sign := range []float32{1, -1} {
			w := tensor.Weight{DType: tensor.F32, Rows: 1, Cols: tensor.GroupCols, Data: make([]byte, 4*tensor.GroupCols)}
			row := make([]float32, w.Cols)
			for j := range row {
				row[j] = sign * (1.45*8 - 23.2/32*float32(j)) * unit
			}
			tensor.Encode(w.Data, row, tensor.F32)
			q := tensor.Weight{DType: tensor.Int4, Rows: 1, Cols: w.Cols, Data: make([]byte, tensor.Int4.Bytes(1, w.Cols))}
			if err := k.Quantize(NewScratch(), q.Data, tensor.Int4, w, 0, 1); err != nil {
				t.Fatal(err)
			}
			for j, v := range dequantize(q).Data {
				if diff := math.Abs(float64(v - row[j])); diff > 5*unit {
					t.Errorf("%s: %g became %g", k.Name(), row[j], v)
				}
			}
		}
	}
}

func TestQuantizeRefusesWhatHasNoScale(t *testing.T) {
	for _, to := range quantizedTo {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), 1e8, -1e8} {
			w := tensor.Weight{DType: tensor.F32, Rows: 16, Cols: 64, Data: make([]byte, 16*64*4)}
			tensor.Encode(w.Data[4*70:4*71], []float32{bad}, tensor.F32)
			err := Best().Quantize(NewScratch(), make([]byte, to.Bytes(16, 64)), to, w, 0, 1)
			if err == nil {
				t.Errorf("%v: %g was quantized", to, bad)
			}
		}
	}
}

func FuzzIntegerProduct(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(64), uint8(16), uint8(0))
	f.Add(uint64(2), uint8(9), uint8(33), uint8(17), uint8(1))
	f.Add(uint64(3), uint8(8), uint8(200), uint8(17), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, out, dtype uint8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := quantized[int(dtype)%len(quantized)]
		x := randomMatrix(rng, int(m)+1, int(n)+1)
		w := randomBlocks(t, rng, d, int(out)%60+1, x.Cols)
		want := tensor.NewMatrix(x.Rows, w.Rows)
		Go().MatMul(NewScratch(), want, x, w, 0, w.Rows)
		for _, k := range Available() {
			y := tensor.NewMatrix(x.Rows, w.Rows)
			k.MatMul(NewScratch(), y, x, w, 0, w.Rows)
			sameBits(t, k.Name(), y.Data, want.Data)
		}
	})
}

func TestGroupLoopsEqualTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(31, 32))
		ref, in, want := Go(), &intScratch{}, &intScratch{}
		for groups := 1; groups < 6; groups++ {
			row := values(rng, groups*tensor.GroupCols)
			for i, h := range hard() {
				if groups == 5 {
					row[i*2] = h
				}
			}
			k.quantizeRow(in, row, groups, k.quant, tensor.GroupCols)
			ref.quantizeRow(want, row, groups, ref.quant, tensor.GroupCols)
			sameBits(t, "scales", in.scales, want.scales)
			sameBits(t, "inverse", in.inv, want.inv)
			for i := range want.q {
				if in.q[i] != want.q[i] {
					t.Fatalf("%d groups: integer %d of %g is %d, want %d", groups, i, row[i], in.q[i], want.q[i])
				}
			}
			var far, scales [2][]float32
			var half [2][]uint16
			for i, k := range []*Kernels{k, ref} {
				k.signedMax(at(grow(&far[i], Lanes), 0), at(row, 0), groups)
				k.scales(unsafe.Pointer(&grow(&half[i], Lanes)[0]), at(grow(&scales[i], Lanes), 0), at(row, 0), Lanes)
			}
			sameBits(t, "farthest", far[0][:groups], far[1][:groups])
			sameBits(t, "inverse scales", scales[0], scales[1])
			for i, h := range half[1] {
				if half[0][i] != h && h&0x7c00 != 0x7c00 {
					t.Fatalf("scale %g is %x in f16, want %x", row[i], half[0][i], h)
				}
			}
			for g := range want.sums {
				if in.sums[g] != want.sums[g] {
					t.Fatalf("sum of group %d is %d, want %d", g, in.sums[g], want.sums[g])
				}
			}
		}
	})
}

// Each matrix gives the product that MatMul gives, for all pairs of types.
func TestSwiGLUOfQuantizedMatrices(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(33, 34))
		s := NewScratch()
		for _, d1 := range quantized {
			for _, d3 := range quantized {
				x, w1, w3 := randomMatrix(rng, 9, 96), randomBlocks(t, rng, d1, 70, 96), randomBlocks(t, rng, d3, 70, 96)
				y, gate, up := tensor.NewMatrix(9, 70), tensor.NewMatrix(9, 70), tensor.NewMatrix(9, 70)
				k.SwiGLU(s, y, x, w1, w3, 0, 70)
				k.MatMul(s, gate, x, w1, 0, 70)
				k.MatMul(s, up, x, w3, 0, 70)
				for i := range gate.Rows {
					k.SiLUMul(gate.Row(i), up.Row(i))
				}
				sameBits(t, fmt.Sprintf("%v and %v", d1, d3), y.Data, gate.Data)
			}
		}
	})
}

// More rows than a block are packed as two blocks in turns, and what was packed
// under an earlier promise is not used again.
func TestHeldBlocksOfIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 36))
	k, s := Best(), NewScratch()
	x, w := randomMatrix(rng, blockX+9, 96), randomBlocks(t, rng, tensor.Int8, 64, 96)
	for range 2 {
		got, want := tensor.NewMatrix(x.Rows, 64), tensor.NewMatrix(x.Rows, 64)
		k.MatMul(NewScratch(), want, x, w, 0, 64)
		s.Hold()
		for o := 0; o < 64; o += 16 {
			k.MatMul(s, got, x, w, o, o+16)
		}
		s.Release()
		sameBits(t, "in pieces", got.Data, want.Data)
		copy(x.Data, values(rng, len(x.Data)))
	}
	h := heldRows{on: true, x: &x.Data[0]}
	other := heldRows{on: true, x: &x.Data[1]}
	in := &intScratch{}
	if in.recall(h) || in.recall(other) || !in.recall(h) || !in.recall(other) {
		t.Error("two blocks in turns are not both remembered")
	}
}
