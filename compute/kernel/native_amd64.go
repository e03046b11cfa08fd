//go:build !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/hachi-serve/hachi/compute/kernel/avx2"
	"github.com/hachi-serve/hachi/compute/kernel/avx512"
)

func native() []*Kernels {
	var out []*Kernels
	x := &cpu.X86
	fits2 := x.HasAVX2 && x.HasFMA && x.HasF16C
	if fits2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		k := kernelsAVX512()
		if !x.HasAVX512VNNI {
			k.limits.VNNI = nil
			k.dot = kernelsAVX2().dot
		}
		out = append(out, k)
	}
	if fits2 {
		out = append(out, kernelsAVX2())
	}
	return out
}

func kernelsAVX512() *Kernels {
	return &Kernels{
		name: "avx512",
		limits: Limits{
			Stream: func(b []byte) uint64 { return avx512.Stream(pointer(b), len(b)) },
			FMA:    avx512.PeakFMA, FMAOps: 12 * 32,
			VNNI: avx512.PeakVNNI, VNNIOps: 12 * 128,
		},
		tile: [elements][tileCols]func(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int){
			{avx512.TileF32x1, avx512.TileF32x2, avx512.TileF32x3, avx512.TileF32x4, avx512.TileF32x5, avx512.TileF32x6},
			{avx512.TileBF16x1, avx512.TileBF16x2, avx512.TileBF16x3, avx512.TileBF16x4, avx512.TileBF16x5, avx512.TileBF16x6},
			{avx512.TileF16x1, avx512.TileF16x2, avx512.TileF16x3, avx512.TileF16x4, avx512.TileF16x5, avx512.TileF16x6},
		},
		panel:    [tileCols]func(lanes, x, w unsafe.Pointer, steps, carry int){avx512.Panelx1, avx512.Panelx2, avx512.Panelx3, avx512.Panelx4, avx512.Panelx5, avx512.Panelx6},
		reduce:   avx512.Reduce,
		unpack:   [elements]func(dst, src unsafe.Pointer, n, step int){avx512.UnpackF32, avx512.UnpackBF16, avx512.UnpackF16},
		unpack8:  avx512.UnpackI8,
		scores:   [tileCols]func(y, q, keys unsafe.Pointer, qStride, n int){avx512.Scoresx1, avx512.Scoresx2, avx512.Scoresx3, avx512.Scoresx4, avx512.Scoresx5, avx512.Scoresx6},
		softmax:  avx512.Softmax,
		prefetch: avx512.Prefetch,
		weigh:    [tileCols]func(acc, p, v, fade unsafe.Pointer, n, count int){avx512.Weighx1, avx512.Weighx2, avx512.Weighx3, avx512.Weighx4, avx512.Weighx5, avx512.Weighx6},
		dot: [blockTypes][dotCols]func(y, x, w unsafe.Pointer, yStride, groups, carry int){
			{avx512.Dot8x1, avx512.Dot8x2, avx512.Dot8x3, avx512.Dot8x4, avx512.Dot8x5, avx512.Dot8x6, avx512.Dot8x7, avx512.Dot8x8},
			{avx512.Dot4x1, avx512.Dot4x2, avx512.Dot4x3, avx512.Dot4x4, avx512.Dot4x5, avx512.Dot4x6, avx512.Dot4x7, avx512.Dot4x8},
			{avx512.DotAffinex1, avx512.DotAffinex2, avx512.DotAffinex3, avx512.DotAffinex4, avx512.DotAffinex5, avx512.DotAffinex6, avx512.DotAffinex7, avx512.DotAffinex8},
		},
		absMax: avx512.AbsMax, minMax: avx512.Range, quant: avx512.Quant,
		siluMul:   avx512.SiLUMul,
		scaleMul:  avx512.ScaleMul,
		roundBF16: avx512.RoundBF16,
		add:       avx512.Add,
	}
}

func kernelsAVX2() *Kernels {
	return &Kernels{
		name: "avx2",
		limits: Limits{
			Stream: func(b []byte) uint64 { return avx2.Stream(pointer(b), len(b)) },
			FMA:    avx2.PeakFMA, FMAOps: 12 * 16,
		},
		tile: [elements][tileCols]func(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int){
			{avx2.TileF32x1, avx2.TileF32x2, avx2.TileF32x3, avx2.TileF32x4, avx2.TileF32x5, avx2.TileF32x6},
			{avx2.TileBF16x1, avx2.TileBF16x2, avx2.TileBF16x3, avx2.TileBF16x4, avx2.TileBF16x5, avx2.TileBF16x6},
			{avx2.TileF16x1, avx2.TileF16x2, avx2.TileF16x3, avx2.TileF16x4, avx2.TileF16x5, avx2.TileF16x6},
		},
		panel:    [tileCols]func(lanes, x, w unsafe.Pointer, steps, carry int){avx2.Panelx1, avx2.Panelx2, avx2.Panelx3, avx2.Panelx4, avx2.Panelx5, avx2.Panelx6},
		reduce:   avx2.Reduce,
		unpack:   [elements]func(dst, src unsafe.Pointer, n, step int){avx2.UnpackF32, avx2.UnpackBF16, avx2.UnpackF16},
		unpack8:  avx2.UnpackI8,
		scores:   [tileCols]func(y, q, keys unsafe.Pointer, qStride, n int){avx2.Scoresx1, avx2.Scoresx2, avx2.Scoresx3, avx2.Scoresx4, avx2.Scoresx5, avx2.Scoresx6},
		softmax:  avx2.Softmax,
		prefetch: avx2.Prefetch,
		weigh:    [tileCols]func(acc, p, v, fade unsafe.Pointer, n, count int){avx2.Weighx1, avx2.Weighx2, avx2.Weighx3, avx2.Weighx4, avx2.Weighx5, avx2.Weighx6},
		dot: [blockTypes][dotCols]func(y, x, w unsafe.Pointer, yStride, groups, carry int){
			{avx2.Dot8x1, avx2.Dot8x2, avx2.Dot8x3, avx2.Dot8x4, avx2.Dot8x5, avx2.Dot8x6, avx2.Dot8x7, avx2.Dot8x8},
			{avx2.Dot4x1, avx2.Dot4x2, avx2.Dot4x3, avx2.Dot4x4, avx2.Dot4x5, avx2.Dot4x6, avx2.Dot4x7, avx2.Dot4x8},
			{avx2.DotAffinex1, avx2.DotAffinex2, avx2.DotAffinex3, avx2.DotAffinex4, avx2.DotAffinex5, avx2.DotAffinex6, avx2.DotAffinex7, avx2.DotAffinex8},
		},
		absMax: avx2.AbsMax, minMax: avx2.Range, quant: avx2.Quant,
		siluMul:   avx2.SiLUMul,
		scaleMul:  avx2.ScaleMul,
		roundBF16: avx2.RoundBF16,
		add:       avx2.Add,
	}
}
