//go:build !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/hachi-serve/hachi/internal/compute/kernel/neon"
)

// native takes the loops over vectors from the reference: they are a small part
// of a step, and the assembler lacks their instructions. Without dot products of
// bytes, integers come from the reference too.
func native() []*Kernels {
	k := *Go()
	k.name = "neon"
	k.tile = [elements][tileCols]func(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int){
		{neon.TileF32x1, neon.TileF32x2, neon.TileF32x3, neon.TileF32x4, neon.TileF32x5, neon.TileF32x6},
		{}, // pairs
		{neon.TileF16x1, neon.TileF16x2, neon.TileF16x3, neon.TileF16x4, neon.TileF16x5, neon.TileF16x6},
	}
	k.panel = [tileCols]func(lanes, x, w unsafe.Pointer, steps, carry int){neon.Panelx1, neon.Panelx2, neon.Panelx3, neon.Panelx4, neon.Panelx5, neon.Panelx6}
	k.split = pairs{
		pack:  lossless(neon.SplitPairs),
		tile:  [tileCols]pairTile{neon.SplitTilex1, neon.SplitTilex2, neon.SplitTilex3, neon.SplitTilex4, neon.SplitTilex5, neon.SplitTilex6},
		bytes: 4 * pairStep, block: splitBlock,
	}
	k.reduce = neon.Reduce
	k.unpack = [elements]func(dst, src unsafe.Pointer, n, step int){neon.UnpackF32, neon.UnpackBF16, neon.UnpackF16}
	k.prefetch = neon.Prefetch
	k.unpack8 = neon.UnpackI8
	k.scores = [tileCols]func(y, q, keys unsafe.Pointer, qStride, n int){neon.Scoresx1, neon.Scoresx2, neon.Scoresx3, neon.Scoresx4, neon.Scoresx5, neon.Scoresx6}
	k.weigh = [tileCols]func(acc, p, v, fade unsafe.Pointer, n, count int){neon.Weighx1, neon.Weighx2, neon.Weighx3, neon.Weighx4, neon.Weighx5, neon.Weighx6}
	if !cpu.ARM64.HasASIMDDP {
		return []*Kernels{&k}
	}
	d := k
	d.name = "neon-dot"
	d.dot = [blockTypes][dotCols]func(y, x, w unsafe.Pointer, yStride, groups, carry int){
		{neon.Dot8x1, neon.Dot8x2, neon.Dot8x3, neon.Dot8x4, neon.Dot8x5, neon.Dot8x6, neon.Dot8x7, neon.Dot8x8},
		{neon.Dot4x1, neon.Dot4x2, neon.Dot4x3, neon.Dot4x4, neon.Dot4x5, neon.Dot4x6, neon.Dot4x7, neon.Dot4x8},
		{neon.DotAffinex1, neon.DotAffinex2, neon.DotAffinex3, neon.DotAffinex4, neon.DotAffinex5, neon.DotAffinex6, neon.DotAffinex7, neon.DotAffinex8},
	}
	return []*Kernels{&d, &k}
}
