package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// withWideKernels is base with the wide kernels of the reference, so that every
// processor tests how rows are packed and strips are unpacked for tiles.
func withWideKernels(base *Kernels) *Kernels {
	k := *base
	for _, d := range quantized {
		k.dot[blockSlot(d)] = withWide(k.dot[blockSlot(d)], "wide", wideKernels{
			unpack: func(dst, w unsafe.Pointer, groups int) { goUnpackStrip(dst, w, groups, d) },
			multiply: func(y, x, w, sums unsafe.Pointer, yStride, groups, carry int) {
				goWide(y, x, w, sums, yStride, groups, carry, d)
			},
		})
	}
	return &k
}

// goUnpackStrip is a stripUnpacker.
func goUnpackStrip(dst, w unsafe.Pointer, groups int, d tensor.DType) {
	size, inBlock := d.BlockBytes(), d.BlockGroups()
	for g := range groups {
		block := unsafe.Slice((*byte)(unsafe.Add(w, g/inBlock*size)), size)
		to := unsafe.Add(dst, g*panelGroupBytes(d))
		integers := unsafe.Slice((*int8)(to), tensor.BlockRows*tensor.GroupCols)
		factors := floats(unsafe.Add(to, len(integers)), (panelGroupBytes(d)-len(integers))/4)
		for r := range tensor.BlockRows {
			q, s := blockRow(block, r, g%inBlock, d)
			for j, v := range q {
				integers[j/4*4*tensor.BlockRows+4*r+j%4] = int8(v)
			}
			factors[r] = s.scale
			if d == tensor.Int4Affine {
				factors[tensor.BlockRows+r] = s.minimum
			}
		}
	}
}

// goWide is a wideKernel.
func goWide(y, x, w, sums unsafe.Pointer, yStride, groups, carry int, d tensor.DType) {
	tile := unsafe.Slice((*int32)(sums), wideRows*tensor.BlockRows)
	for g := range groups {
		in, from := packedGroup(x, wideRows, tensor.GroupCols, g), unsafe.Add(w, g*panelGroupBytes(d))
		integers := unsafe.Slice((*int8)(from), tensor.BlockRows*tensor.GroupCols)
		factors := floats(unsafe.Add(from, len(integers)), (panelGroupBytes(d)-len(integers))/4)
		for c := range wideRows {
			out := floats(unsafe.Add(y, c*yStride), tensor.BlockRows)
			if g == 0 && carry == 0 {
				clear(out)
			}
			for r := range out {
				sum := int32(0)
				for j, v := range in.row(c) {
					sum += int32(v) * int32(integers[j/4*4*tensor.BlockRows+4*r+j%4])
				}
				tile[c*tensor.BlockRows+r] = sum
				out[r] = FMA(float32(sum), float32(factors[r]*in.scales()[c]), out[r])
				if d == tensor.Int4Affine {
					out[r] = FMA(factors[tensor.BlockRows+r], math.Float32frombits(uint32(in.offsets()[c])), out[r])
				}
			}
		}
	}
}

// wideAndTiled are the reference with wide kernels, and the kernels of this
// processor that have some.
func wideAndTiled() []*Kernels {
	all := []*Kernels{withWideKernels(Best())}
	for _, k := range Available() {
		if k.dot[0].of(wideRows).wide.multiply != nil {
			all = append(all, k)
		}
	}
	return all
}

func TestWideProductsEqualTheReference(t *testing.T) {
	for _, k := range wideAndTiled() {
		t.Run(k.Name(), func(t *testing.T) {
			rng, s := rand.New(rand.NewPCG(41, 42)), NewScratch()
			for _, d := range quantized {
				for _, n := range []int{1, 31, 32, 33, 100, 128, 160, 260} {
					for _, m := range []int{15, 16, 17, 24, 32, 47} {
						x, w := randomMatrix(rng, m, n), randomBlocks(t, rng, d, 37, n)
						got, want := tensor.NewMatrix(m, 37), tensor.NewMatrix(m, 37)
						Best().MatMul(NewScratch(), want, x, w, 0, 37)
						k.MatMul(s, got, x, w, 0, 37)
						sameBits(t, fmt.Sprintf("%v, %d rows of %d", d, m, n), got.Data, want.Data)
					}
				}
			}
		})
	}
}

// More groups than are multiplied at once, columns that begin and end within a
// strip, and rows of which one is no number.
func TestWideProductsOfManyGroups(t *testing.T) {
	for _, k := range wideAndTiled() {
		t.Run(k.Name(), func(t *testing.T) {
			rng, s := rand.New(rand.NewPCG(43, 44)), NewScratch()
			for _, d := range quantized {
				m, n := blockX+wideRows+3, (blockGroups+3)*tensor.GroupCols+8
				x, w := randomMatrix(rng, m, n), randomBlocks(t, rng, d, 50, n)
				x.Row(5)[7] = float32(math.Inf(1))
				got, want := tensor.NewMatrix(m, 50), tensor.NewMatrix(m, 50)
				Best().MatMul(NewScratch(), want, x, w, 0, 50)
				k.MatMul(s, got, x, w, 3, 19)
				k.MatMul(s, got, x, w, 0, 3)
				k.MatMul(s, got, x, w, 19, 50)
				sameBits(t, d.String(), got.Data, want.Data)
			}
		})
	}
}

// The largest sums of a group: -128 and 127 times 127 in all columns.
func TestWideProductsOfTheLargestIntegers(t *testing.T) {
	for _, k := range wideAndTiled() {
		rng := rand.New(rand.NewPCG(45, 46))
		for _, d := range quantized {
			for _, fill := range []byte{0, 255} {
				w := randomBlocks(t, rng, d, 16, 128)
				size := map[bool]int{true: 512, false: 256}[d == tensor.Int8]
				for at := 0; at < len(w.Data); at += d.BlockBytes() {
					for g := range d.BlockGroups() {
						for i := range size {
							w.Data[at+g*tensor.AffineGroup+i] = fill
						}
					}
				}
				x := tensor.NewMatrix(wideRows, 128)
				for i := range x.Data {
					x.Data[i] = float32(1 - 2*(i/x.Cols&1))
				}
				got, want := tensor.NewMatrix(wideRows, 16), tensor.NewMatrix(wideRows, 16)
				Go().MatMul(NewScratch(), want, x, w, 0, 16)
				k.MatMul(NewScratch(), got, x, w, 0, 16)
				sameBits(t, fmt.Sprintf("%s, %v of %d", k.Name(), d, fill), got.Data, want.Data)
			}
		}
	}
}
