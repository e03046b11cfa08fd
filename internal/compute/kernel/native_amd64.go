//go:build !purego

package kernel

import (
	"math"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/hachi-serve/hachi/internal/compute/kernel/avx2"
	"github.com/hachi-serve/hachi/internal/compute/kernel/avx512"
)

// native lists the implementations that this processor can run, fastest first.
func native() []*Kernels {
	var out []*Kernels
	x := &cpu.X86
	fits2 := x.HasAVX2 && x.HasFMA && x.HasF16C
	if fits2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		k := kernelsAVX512()
		if !x.HasAVX512VNNI {
			k.limits.VNNI = nil
			k.dot = kernelsAVX2().dot
		} else {
			k.addFewRows(kernelsAVX2())
		}
		out = append(out, k)
		if x.HasAVX512BF16 {
			out = insertBF16(out, k)
		}
	}
	if fits2 {
		out = append(out, kernelsAVX2())
	}
	return out
}

// insertBF16 adds the implementation that multiplies bf16 with bf16: before base
// if it is faster here, else after it. VDPBF16PS has twice the rate of f32 FMA on
// some processors and half of it on others.
func insertBF16(all []*Kernels, base *Kernels) []*Kernels {
	k := *base
	k.name = "avx512bf16"
	k.limits.BF16, k.limits.BF16Ops = avx512.PeakBF16, 12*64
	k.pairsBF16 = pairVariants(k.name, pairKernels{
		pack:      avx512.NarrowPairs,
		tile:      [tileCols]pairKernel{avx512.PairTilex1, avx512.PairTilex2, avx512.PairTilex3, avx512.PairTilex4, avx512.PairTilex5, avx512.PairTilex6},
		row:       avx512.PairRows,
		panel:     [tileCols]pairPanelKernel{avx512.PairPanelx1, avx512.PairPanelx2, avx512.PairPanelx3, avx512.PairPanelx4, avx512.PairPanelx5, avx512.PairPanelx6},
		slim:      [slimCols]slimKernel{1: avx512.SlimTilex2, avx512.SlimTilex3, avx512.SlimTilex4, avx512.SlimTilex5, avx512.SlimTilex6, avx512.SlimTilex7, avx512.SlimTilex8, avx512.SlimTilex9, avx512.SlimTilex10, avx512.SlimTilex11, avx512.SlimTilex12},
		inOrder:   3,
		stepBytes: 2 * pairStep, blockSteps: bf16BlockSteps,
	})
	split := base.pairsF32.all[0].way
	split.row = avx512.SplitRows
	split.slim = [slimCols]slimKernel{avx512.SlimSplitx1, avx512.SlimSplitx2, avx512.SlimSplitx3}
	k.pairsF32 = pairVariants(base.name, split)
	k.pairsBF16.all = append(k.pairsBF16.all, variant[pairKernels]{name: base.name, way: split})
	if fastest(k.limits.BF16)*float64(k.limits.FMAOps) < fastest(k.limits.FMA)*float64(k.limits.BF16Ops) {
		return append([]*Kernels{&k}, all...)
	}
	return append(all, &k)
}

// addFewRows adds the ways of other kernels to multiply quantized weights with one
// or two rows, for which memory is slower than either instruction set.
func (k *Kernels) addFewRows(other *Kernels) {
	for i, v := range other.dot {
		v.all[0].to = classes[1]
		k.dot[i].all = append(k.dot[i].all, v.all[0])
	}
}

// fastest is the minimum of a few timings, in ns.
func fastest(rounds func(n int)) float64 {
	best := time.Duration(math.MaxInt64)
	for range 8 {
		begin := time.Now()
		rounds(200)
		best = min(best, time.Since(begin))
	}
	return float64(best)
}

func kernelsAVX512() *Kernels {
	return &Kernels{
		name: "avx512",
		limits: Limits{
			Stream: func(b []byte) uint64 { return avx512.Stream(pointer(b), len(b)) },
			FMA:    avx512.PeakFMA, FMAOps: 12 * 32,
			VNNI: avx512.PeakVNNI, VNNIOps: 12 * 128,
		},
		tile: [elements][tileCols]tileKernel{
			{avx512.TileF32x1, avx512.TileF32x2, avx512.TileF32x3, avx512.TileF32x4, avx512.TileF32x5, avx512.TileF32x6},
			{}, // bf16: pair kernels
			{avx512.TileF16x1, avx512.TileF16x2, avx512.TileF16x3, avx512.TileF16x4, avx512.TileF16x5, avx512.TileF16x6},
		},
		packedTile: [tileCols]packedKernel{avx512.Panelx1, avx512.Panelx2, avx512.Panelx3, avx512.Panelx4, avx512.Panelx5, avx512.Panelx6},
		pairsF32: pairVariants("avx512", pairKernels{
			pack:      lossless(avx512.SplitPairs),
			tile:      [tileCols]pairKernel{avx512.SplitTilex1, avx512.SplitTilex2, avx512.SplitTilex3, avx512.SplitTilex4, avx512.SplitTilex5, avx512.SplitTilex6},
			panel:     [tileCols]pairPanelKernel{avx512.SplitPanelx1, avx512.SplitPanelx2, avx512.SplitPanelx3, avx512.SplitPanelx4, avx512.SplitPanelx5, avx512.SplitPanelx6},
			stepBytes: 4 * pairStep, blockSteps: f32BlockSteps,
		}),
		runs: runKernels{
			pack: avx512.PackRuns,
			rows: [tileCols]runKernel{avx512.Runsx1, avx512.Runsx2, avx512.Runsx3, avx512.Runsx4, avx512.Runsx5, avx512.Runsx6},
		},
		reduce:       avx512.Reduce,
		unpack:       [elements]unpackKernel{avx512.UnpackF32, avx512.UnpackBF16, avx512.UnpackF16},
		unpack8:      avx512.UnpackI8,
		scores:       [tileCols]scoresKernel{avx512.Scoresx1, avx512.Scoresx2, avx512.Scoresx3, avx512.Scoresx4, avx512.Scoresx5, avx512.Scoresx6},
		softmax:      avx512.Softmax,
		prefetch:     avx512.Prefetch,
		accumulatePV: [tileCols]accumulatePVKernel{avx512.AccumulatePVx1, avx512.AccumulatePVx2, avx512.AccumulatePVx3, avx512.AccumulatePVx4, avx512.AccumulatePVx5, avx512.AccumulatePVx6},
		dot: [blockTypes]variants[dotKernels]{
			dotVariants("avx512", microDots{
				tile: [dotCols]dotKernel{avx512.Dot8x1, avx512.Dot8x2, avx512.Dot8x3, avx512.Dot8x4, avx512.Dot8x5, avx512.Dot8x6, avx512.Dot8x7, avx512.Dot8x8},
				lead: [leadCols]dotKernel{avx512.Lead8x1, avx512.Lead8x2, avx512.Lead8x3, avx512.Lead8x4}, few: 3,
			}),
			dotVariants("avx512", microDots{
				tile: [dotCols]dotKernel{avx512.Dot4x1, avx512.Dot4x2, avx512.Dot4x3, avx512.Dot4x4, avx512.Dot4x5, avx512.Dot4x6, avx512.Dot4x7, avx512.Dot4x8},
				lead: [leadCols]dotKernel{avx512.Lead4x1, avx512.Lead4x2, avx512.Lead4x3, avx512.Lead4x4}, few: 1,
			}),
			dotVariants("avx512", microDots{
				tile: [dotCols]dotKernel{avx512.DotAffinex1, avx512.DotAffinex2, avx512.DotAffinex3, avx512.DotAffinex4, avx512.DotAffinex5, avx512.DotAffinex6, avx512.DotAffinex7, avx512.DotAffinex8},
				lead: [leadCols]dotKernel{avx512.LeadAffinex1, avx512.LeadAffinex2, avx512.LeadAffinex3, avx512.LeadAffinex4}, few: 1,
			}),
		},
		absMax: avx512.AbsMax, signedMax: avx512.SignedMax, quant: avx512.Quant, scales: avx512.Scales,
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
			Bytes: avx2.PeakBytes, BytesOps: 12 * 64,
		},
		tile: [elements][tileCols]tileKernel{
			{avx2.TileF32x1, avx2.TileF32x2, avx2.TileF32x3, avx2.TileF32x4, avx2.TileF32x5, avx2.TileF32x6},
			{}, // bf16: pair kernels
			{avx2.TileF16x1, avx2.TileF16x2, avx2.TileF16x3, avx2.TileF16x4, avx2.TileF16x5, avx2.TileF16x6},
		},
		packedTile: [tileCols]packedKernel{avx2.Panelx1, avx2.Panelx2, avx2.Panelx3, avx2.Panelx4, avx2.Panelx5, avx2.Panelx6},
		pairsF32: pairVariants("avx2", pairKernels{
			pack:       lossless(avx2.SplitPairs),
			tile:       [tileCols]pairKernel{avx2.SplitTilex1, avx2.SplitTilex2, avx2.SplitTilex3, avx2.SplitTilex4, avx2.SplitTilex5, avx2.SplitTilex6},
			panel:      [tileCols]pairPanelKernel{avx2.SplitPanelx1, avx2.SplitPanelx2, avx2.SplitPanelx3, avx2.SplitPanelx4, avx2.SplitPanelx5, avx2.SplitPanelx6},
			panelAlone: true,
			stepBytes:  4 * pairStep, blockSteps: avx2BlockSteps,
		}),
		runs: runKernels{
			pack: avx2.PackRuns,
			rows: [tileCols]runKernel{avx2.Runsx1, avx2.Runsx2, avx2.Runsx3, avx2.Runsx4, avx2.Runsx5, avx2.Runsx6},
		},
		reduce:       avx2.Reduce,
		unpack:       [elements]unpackKernel{avx2.UnpackF32, avx2.UnpackBF16, avx2.UnpackF16},
		unpack8:      avx2.UnpackI8,
		scores:       [tileCols]scoresKernel{avx2.Scoresx1, avx2.Scoresx2, avx2.Scoresx3, avx2.Scoresx4, avx2.Scoresx5, avx2.Scoresx6},
		softmax:      avx2.Softmax,
		prefetch:     avx2.Prefetch,
		accumulatePV: [tileCols]accumulatePVKernel{avx2.AccumulatePVx1, avx2.AccumulatePVx2, avx2.AccumulatePVx3, avx2.AccumulatePVx4, avx2.AccumulatePVx5, avx2.AccumulatePVx6},
		dot: [blockTypes]variants[dotKernels]{
			dotVariants("avx2", microDots{
				tile: [dotCols]dotKernel{avx2.Dot8x1, avx2.Dot8x2, avx2.Dot8x3, avx2.Dot8x4, avx2.Dot8x5, avx2.Dot8x6, avx2.Dot8x7, avx2.Dot8x8},
				lead: [leadCols]dotKernel{avx2.Lead8x1, avx2.Lead8x2, avx2.Lead8x3, avx2.Lead8x4}, few: 1, quantHalves: avx2.QuantHalves,
			}),
			dotVariants("avx2", microDots{
				tile: [dotCols]dotKernel{avx2.Dot4x1, avx2.Dot4x2, avx2.Dot4x3, avx2.Dot4x4, avx2.Dot4x5, avx2.Dot4x6, avx2.Dot4x7, avx2.Dot4x8},
				lead: [leadCols]dotKernel{avx2.Lead4x1, avx2.Lead4x2, avx2.Lead4x3, avx2.Lead4x4}, few: 1,
			}),
			dotVariants("avx2", microDots{
				tile: [dotCols]dotKernel{avx2.DotAffinex1, avx2.DotAffinex2, avx2.DotAffinex3, avx2.DotAffinex4, avx2.DotAffinex5, avx2.DotAffinex6, avx2.DotAffinex7, avx2.DotAffinex8},
				lead: [leadCols]dotKernel{avx2.LeadAffinex1, avx2.LeadAffinex2, avx2.LeadAffinex3, avx2.LeadAffinex4}, few: 1,
			}),
		},
		absMax: avx2.AbsMax, signedMax: avx2.SignedMax, quant: avx2.Quant, scales: avx2.Scales,
		siluMul:   avx2.SiLUMul,
		scaleMul:  avx2.ScaleMul,
		roundBF16: avx2.RoundBF16,
		add:       avx2.Add,
	}
}
