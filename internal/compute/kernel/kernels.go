package kernel

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Kernels is one implementation of every loop. All implementations give the
// same bits. It is immutable and safe for concurrent use.
//
// The functions inside take addresses and lengths that the methods have
// checked; lengths of vectors are multiples of Lanes.
type Kernels struct {
	name   string
	limits Limits

	// tile adds n products (a multiple of Lanes) to the lanes of tileRows
	// rows of w times 1 to tileCols rows of x. Output (row r of w, row c of x)
	// has its Lanes floats at lanes[(c*tileRows+r)*Lanes:]; they start as zero
	// unless carry is set. Strides are in bytes. Bytes that lie ahead of the
	// rows of w are prefetched, and may be anywhere. bf16 has none: see pairs.
	tile [elements][tileCols]func(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int)

	// panel is tile on packed f32 operands, steps times Lanes wide: in every
	// step the Lanes floats of each row follow each other.
	panel [tileCols]func(lanes, x, w unsafe.Pointer, steps, carry int)

	// split multiplies bf16 weights with f32, narrow with bf16; narrow.pack is
	// nil where no instruction is worth it.
	split, narrow pairs

	// reduce folds the lanes of count times tileRows outputs; the i-th group
	// goes to tileRows floats at y + i*yStride bytes.
	reduce func(y, lanes unsafe.Pointer, yStride, count int)

	// unpack widens n elements to f32, exactly; each Lanes floats lie step
	// bytes after the last.
	unpack [elements]func(dst, src unsafe.Pointer, n, step int)

	// unpack8 is unpack for signed bytes.
	unpack8 func(dst, src unsafe.Pointer, n, step int)

	// scores are the inner products of 1 to tileCols rows of q, n elements (a
	// multiple of Lanes) and qStride bytes apart, with the Tile columns of keys
	// [n, Tile]: Tile floats for each row, which follow each other at y. Lanes
	// and tree are those of Dot.
	scores [tileCols]func(y, q, keys unsafe.Pointer, qStride, n int)

	// softmax turns the scores p [n, Tile] of n rows, at most tileCols, into
	// weights; positions beyond first..last get 0. In this order: p = (p *
	// keyScales) * scale; the new top is the largest of p and top; fade =
	// Exp(top - new); p = Exp(p - new); sum = sum * fade + tree(p); p = p *
	// valueScales.
	softmax func(p, top, sum, fade, keyScales, valueScales unsafe.Pointer, n, first, last int, scale float32)

	// weigh is acc = acc * fade, then acc = FMA(p[i], v[i], acc) for i =
	// 0..count-1, for 1 to tileCols rows of acc and v [n], which follow each
	// other. Weights of the next row lie Tile floats behind.
	weigh [tileCols]func(acc, p, v, fade unsafe.Pointer, n, count int)

	// prefetch asks for n bytes that will be read soon.
	prefetch func(p unsafe.Pointer, n int)

	// dot multiplies BlockRows rows of a quantized strip with 1 to dotCols rows
	// of x, which are packed by quantize for weights of that type, groups
	// columns of groups wide (whole blocks), and writes BlockRows floats of
	// each, yStride bytes apart, or adds to them when carry is set.
	dot [blockTypes][dotCols]func(y, x, w unsafe.Pointer, yStride, groups, carry int)

	// Loops over groups of GroupCols values: the largest magnitude of each, by
	// its bits, so that NaN is larger than infinity; the value that has it,
	// the positive one of two; and q = x*inv rounded to even in [-127, 127],
	// anything that is no number being -127, with the sum of each group.
	absMax, farthest func(dst, x unsafe.Pointer, groups int)
	quant            func(q, sums, x, inv unsafe.Pointer, groups int)

	// scales rounds n scales, a multiple of Lanes, to f16 and inverts the
	// result; the inverse of zero is zero.
	scales func(half, inv, d unsafe.Pointer, n int)

	siluMul   func(dst, up unsafe.Pointer, n int)                // dst = SiLU(dst) * up
	scaleMul  func(y, x, w unsafe.Pointer, scale float32, n int) // y = (x * scale) * w
	roundBF16 func(v unsafe.Pointer, n int)                      // v to the nearest bf16
	add       func(dst, v unsafe.Pointer, n int)                 // dst += v
}

const (
	// tileRows rows of w are read at once, so that as many streams of memory
	// are in flight and one load of x serves them all.
	tileRows = 4
	// tileCols times tileRows accumulators of 16 lanes fill the registers of
	// AVX-512.
	tileCols = 6
	// dotCols rows of x share one load of a quantized block.
	dotCols = 8
	// elements counts the types of weight elements: slot numbers them.
	elements = 3
	// blockTypes counts the quantized types: blockSlot numbers them.
	blockTypes = 3
)

// slot is the number of an element type in the tables.
func slot(d tensor.DType) int {
	switch d {
	case tensor.F32:
		return 0
	case tensor.BF16:
		return 1
	case tensor.F16:
		return 2
	}
	panic("kernel: no kernel for " + d.String())
}

// blockSlot is the number of a quantized type in the tables.
func blockSlot(d tensor.DType) int { return int(d - tensor.Int8) }

// Name is "go" or the instruction set: "avx512bf16", "avx512", "avx2",
// "neon-dot", "neon".
func (k *Kernels) Name() string { return k.name }

// Available lists what this processor can run, fastest first. The last is the
// Go reference, which every processor can.
func Available() []*Kernels { return append(native(), Go()) }

// Best is the fastest implementation for this processor.
func Best() *Kernels { return Available()[0] }

// Choose finds an implementation by name; "" is Best. A name this processor
// cannot run is an error.
func Choose(name string) (*Kernels, error) {
	if name == "" {
		return Best(), nil
	}
	var names []string
	for _, k := range Available() {
		if k.name == name {
			return k, nil
		}
		names = append(names, k.name)
	}
	return nil, fmt.Errorf("kernel %q cannot run here, expected one of %s", name, strings.Join(names, ", "))
}
