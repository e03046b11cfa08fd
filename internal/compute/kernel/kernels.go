package kernel

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Kernels is one implementation of every loop. All implementations give the
// same bits. It is immutable and safe for concurrent use.
type Kernels struct {
	name   string
	limits Limits

	// Micro-kernels of f32 and f16 weights. bf16 has pair kernels instead.
	tile       [elements][tileCols]tileKernel
	packedTile [tileCols]packedKernel

	// pairsF32 multiplies bf16 weights with any x. pairsBF16 does so with an x
	// of bf16; it is empty where there is no instruction for it.
	pairsF32, pairsBF16 variants[pairKernels]

	// runs multiplies bf16 weights where inRuns, that is in FamilyAMX.
	runs   runKernels
	inRuns bool

	reduce   reduceKernel
	unpack   [elements]unpackKernel
	unpack8  unpackKernel // of signed bytes
	prefetch func(p unsafe.Pointer, n int)

	// Attention over one tile of positions.
	scores       [tileCols]scoresKernel
	softmax      softmaxKernel
	accumulatePV [tileCols]accumulatePVKernel

	// Micro-kernels of quantized weights.
	dot [blockTypes]variants[dotKernels]

	// Quantizing. absMax finds the largest magnitude of each group, by its bits,
	// so that NaN is larger than infinity; signedMax the value that has it, the
	// positive one of two. scales rounds n scales, a multiple of Lanes, to f16
	// and inverts the result; the inverse of zero is zero.
	absMax, signedMax groupKernel
	quant             quantKernel
	scales            func(half, inv, d unsafe.Pointer, n int)

	// Vectors of n elements.
	siluMul   func(dst, up unsafe.Pointer, n int)                // dst = SiLU(dst) * up
	scaleMul  func(y, x, w unsafe.Pointer, scale float32, n int) // y = (x * scale) * w
	roundBF16 func(v unsafe.Pointer, n int)                      // v to the nearest bf16
	add       func(dst, v unsafe.Pointer, n int)                 // dst += v
}

const (
	// tileRows is the number of rows of w of a tile: four streams of memory are
	// in flight, and one load of x serves four rows.
	tileRows = 4
	// tileCols is the maximum number of rows of x of a tile: 24 accumulators of
	// 16 lanes, and what they are made of, fill the 32 registers of AVX-512.
	tileCols = 6
	// dotCols is the maximum number of rows of x that share one load of a
	// quantized block.
	dotCols = 8
	// leadCols is the maximum number of rows of x for which a product can leave
	// prefetching to the processor: with more, arithmetic is the limit.
	leadCols = 4
	// elements counts the types of weight elements: slot numbers them.
	elements = 3
	// blockTypes counts the quantized formats that have micro-kernels: blockSlot
	// numbers them.
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

// Native reports whether products of a format have micro-kernels. Weights of other
// formats are widened to f32 first, which costs more than reading them.
func Native(d tensor.DType) bool { return !d.Quantized() || blockSlot(d) >= 0 }

// blockSlot is the number of a quantized format in the tables, -1 for one that
// has no micro-kernel.
func blockSlot(d tensor.DType) int {
	switch d {
	case tensor.Int8:
		return 0
	case tensor.Int4:
		return 1
	case tensor.Int4Affine:
		return 2
	}
	return -1
}

// Name is "go" or the instruction set: "avx512bf16", "avx512", "avx2", "amx",
// "neon-dot", "neon".
func (k *Kernels) Name() string { return k.name }

// Available lists what this processor can run, fastest first, and then what is
// used only by name: tiles, and at last the Go reference, which every processor
// can. It asks the system for what they need.
func Available() []*Kernels {
	all := native()
	if k, err := tiled(all); err == nil {
		all = append(all, k)
	}
	return append(all, Go())
}

// Best is the fastest implementation for this processor.
func Best() *Kernels { return append(native(), Go())[0] }

// Choose finds an implementation by name; "" is Best. A name this processor
// cannot run is an error.
func Choose(name string) (*Kernels, error) {
	switch name {
	case "":
		return Best(), nil
	case tiledName:
		k, err := tiled(native())
		if err != nil {
			return nil, fmt.Errorf("kernel %q cannot run here: %w", name, err)
		}
		return k, nil
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
