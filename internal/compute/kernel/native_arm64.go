//go:build !purego

package kernel

import (
	"golang.org/x/sys/cpu"

	"github.com/hachi-serve/hachi/internal/compute/kernel/neon"
)

// native lists the implementations that this processor can run, fastest first.
// Loops over vectors are those of the reference: they are a small part of a step,
// and Go's assembler lacks their instructions. On a processor without dot products
// of bytes, quantized weights are multiplied by the reference too.
func native() []*Kernels {
	k := *Go()
	k.name = "neon"
	k.tile = [elements][tileCols]tileKernel{
		{neon.TileF32x1, neon.TileF32x2, neon.TileF32x3, neon.TileF32x4, neon.TileF32x5, neon.TileF32x6},
		{}, // bf16: pair kernels
		{neon.TileF16x1, neon.TileF16x2, neon.TileF16x3, neon.TileF16x4, neon.TileF16x5, neon.TileF16x6},
	}
	k.packedTile = [tileCols]packedKernel{neon.Panelx1, neon.Panelx2, neon.Panelx3, neon.Panelx4, neon.Panelx5, neon.Panelx6}
	k.pairsF32 = only(k.name, pairKernels{
		pack:      lossless(neon.SplitPairs),
		tile:      [tileCols]pairKernel{neon.SplitTilex1, neon.SplitTilex2, neon.SplitTilex3, neon.SplitTilex4, neon.SplitTilex5, neon.SplitTilex6},
		stepBytes: 4 * pairStep, blockSteps: f32BlockSteps,
	})
	k.reduce = neon.Reduce
	k.unpack = [elements]unpackKernel{neon.UnpackF32, neon.UnpackBF16, neon.UnpackF16}
	k.prefetch = neon.Prefetch
	k.unpack8 = neon.UnpackI8
	k.scores = [tileCols]scoresKernel{neon.Scoresx1, neon.Scoresx2, neon.Scoresx3, neon.Scoresx4, neon.Scoresx5, neon.Scoresx6}
	k.accumulatePV = [tileCols]accumulatePVKernel{neon.AccumulatePVx1, neon.AccumulatePVx2, neon.AccumulatePVx3, neon.AccumulatePVx4, neon.AccumulatePVx5, neon.AccumulatePVx6}
	if !cpu.ARM64.HasASIMDDP {
		return []*Kernels{&k}
	}
	d := k
	d.name = "neon-dot"
	d.dot = [blockTypes]variants[dotKernels]{
		dotVariants(d.name, microDots{tile: [dotCols]dotKernel{neon.Dot8x1, neon.Dot8x2, neon.Dot8x3, neon.Dot8x4, neon.Dot8x5, neon.Dot8x6, neon.Dot8x7, neon.Dot8x8}}),
		dotVariants(d.name, microDots{tile: [dotCols]dotKernel{neon.Dot4x1, neon.Dot4x2, neon.Dot4x3, neon.Dot4x4, neon.Dot4x5, neon.Dot4x6, neon.Dot4x7, neon.Dot4x8}}),
		dotVariants(d.name, microDots{tile: [dotCols]dotKernel{neon.DotAffinex1, neon.DotAffinex2, neon.DotAffinex3, neon.DotAffinex4, neon.DotAffinex5, neon.DotAffinex6, neon.DotAffinex7, neon.DotAffinex8}}),
	}
	return []*Kernels{&d, &k}
}
