package main

import (
	"fmt"
	"slices"
)

// family is the Go declarations of functions that differ in the number of rows
// of x they take: name1, name2, ... A family with from = to = 0 is one function.
type family struct {
	name     string
	from, to int
	params   string
	doc      string // %d is the number of rows of x
}

// Parameters that families share. Package kernel says what they mean.
const (
	tileParams   = "(lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int)"
	packedParams = "(lanes, x, w unsafe.Pointer, steps, carry int)"
	pairParams   = "(lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int)"
	slimParams   = "(lanes, x, w unsafe.Pointer, wStride, steps, groups, ahead, carry int)"
	panelParams  = "(lanes, x, w unsafe.Pointer, wStride, steps, groups, nextX, nextW, carry int)"
	unpackParams = "(dst, src unsafe.Pointer, n, step int)"
	dotParams    = "(y, x, w unsafe.Pointer, yStride, groups, ahead, step, carry int)"
	groupParams  = "(dst, x unsafe.Pointer, groups int)"
)

// everywhere are the families that all instruction sets have.
var everywhere = []family{
	{"TileF32x", 1, tileCols, tileParams, "multiplies 4 rows of f32 with %d rows of x."},
	{"TileF16x", 1, tileCols, tileParams, "multiplies 4 rows of f16 with %d rows of x."},
	{"Panelx", 1, tileCols, packedParams, "multiplies 4 packed rows with %d."},
	{"SplitTilex", 1, tileCols, pairParams, "multiplies 4 rows of bf16 with %d of f32, whose odd elements are packed apart from the even ones."},
	{"SplitPairs", 0, 0, "(dst, src unsafe.Pointer, steps, step int)", "packs odd elements apart from even ones."},
	{"Reduce", 0, 0, "(y, lanes unsafe.Pointer, yStride, count int)", "adds the lanes of count times 4 outputs."},
	{"UnpackF32", 0, 0, unpackParams, "copies n elements, groups of 16 step bytes apart."},
	{"UnpackBF16", 0, 0, unpackParams, "widens n elements, groups of 16 step bytes apart."},
	{"UnpackF16", 0, 0, unpackParams, "widens n elements, groups of 16 step bytes apart."},
	{"UnpackI8", 0, 0, unpackParams, "widens n elements, groups of 16 step bytes apart."},
	{"Scoresx", 1, tileCols, "(y, q, keys unsafe.Pointer, qStride, n int)", "multiplies %d rows with 16 columns."},
	{"AccumulatePVx", 1, tileCols, "(acc, p, v, rescale unsafe.Pointer, n, count int)", "rescales %d rows of n elements and adds count weighted rows to each."},
	{"Prefetch", 0, 0, "(p unsafe.Pointer, n int)", "fetches n bytes into the second-level cache."},
	{"Dot8x", 1, dotCols, dotParams, "multiplies 16 rows of 8 bits with %d."},
	{"Dot4x", 1, dotCols, dotParams, "multiplies 16 rows of 4 bits with %d."},
	{"DotAffinex", 1, dotCols, dotParams, "multiplies 16 rows of 4 bits, with minima, with %d."},
}

// x86Only are the families of AVX2 and AVX-512.
var x86Only = []family{
	{"SplitPanelx", 1, tileCols, panelParams, "multiplies groups of 4 rows of bf16 with %d of f32."},
	{"SiLUMul", 0, 0, "(dst, up unsafe.Pointer, n int)", "is dst = SiLU(dst) * up."},
	{"Softmax", 0, 0, "(p, top, sum, rescale, keyScales, valueScales unsafe.Pointer, n, first, last int, scale float32)", "turns n rows of 16 scores into weights."},
	{"ScaleMul", 0, 0, "(y, x, w unsafe.Pointer, scale float32, n int)", "is y = (x * scale) * w."},
	{"RoundBF16", 0, 0, "(v unsafe.Pointer, n int)", "rounds to bf16 in place."},
	{"Add", 0, 0, "(dst, v unsafe.Pointer, n int)", "is dst += v."},
	{"Lead8x", 1, leadCols, dotParams, "is Dot8x%[1]d that prefetches one line of a group."},
	{"Lead4x", 1, leadCols, dotParams, "is Dot4x%[1]d that prefetches one line of a group."},
	{"LeadAffinex", 1, leadCols, dotParams, "is DotAffinex%[1]d that prefetches one line of a group."},
	{"AbsMax", 0, 0, groupParams, "finds the largest magnitude of each group of 32."},
	{"SignedMax", 0, 0, groupParams, "finds the value of the largest magnitude of each group of 32."},
	{"Scales", 0, 0, "(half, inv, d unsafe.Pointer, n int)", "rounds n scales, a multiple of 16, to f16 and inverts them."},
	{"Quant", 0, 0, "(q, sums, x, inv unsafe.Pointer, groups int)", "rounds x*inv to bytes and sums each group."},
	{"Stream", 0, 0, "(p unsafe.Pointer, n int) uint64", "reads n bytes, a multiple of 512, and returns a checksum."},
	{"PeakFMA", 0, 0, "(n int)", "runs 12n independent fused multiply-adds."},
}

// avx2Only are the families of AVX2.
var avx2Only = []family{
	{"QuantHalves", 0, 0, "(q, sums, x, inv unsafe.Pointer, groups int)", "is Quant that writes the lower and the upper half of each byte of a group as 64 bytes."},
	{"PeakBytes", 0, 0, "(n int)", "runs 12n multiplications of bytes, whose sums of pairs are added to sums of 16 bits."},
}

// avx512Only are the families of AVX-512.
var avx512Only = []family{
	{"PairTilex", 1, tileCols, pairParams, "multiplies 4 rows of bf16 with %d of bf16."},
	{"PairPanelx", 1, tileCols, panelParams, "multiplies groups of 4 rows of bf16 with %d of bf16."},
	{"SlimSplitx", 1, slimSplitCols, slimParams, "multiplies groups of 4 rows of bf16 with %d of f32, two of the 4 at a time."},
	{"SlimTilex", 2, slimCols, slimParams, "multiplies groups of 4 rows of bf16 with %d of bf16, one or two of the 4 at a time."},
	{"SplitRows", 0, 0, pairParams, "is SplitTilex1, one row of w after the other."},
	{"PairRows", 0, 0, pairParams, "is PairTilex1, one row of w after the other."},
	{"NarrowPairs", 0, 0, "(dst, src unsafe.Pointer, steps, step int) (lost int)", "cuts f32 to bf16 and returns non-zero if bits were lost."},
	{"PeakBF16", 0, 0, "(n int)", "runs 12n independent dot products of bf16 pairs."},
	{"PeakVNNI", 0, 0, "(n int)", "runs 12n independent dot products of bytes."},
}

// declare writes the Go declarations of the functions of an instruction set.
func declare(a *asm, isa string) {
	all := everywhere
	switch isa {
	case "avx512":
		all = slices.Concat(all, x86Only, avx512Only, runFamilies)
	case "avx2":
		all = slices.Concat(all, x86Only, avx2Only, runFamilies)
	case "amx":
		all = amxOnly
	}
	for _, f := range all {
		if f.to == 0 {
			a.declare(f.name, f.doc, f.params)
		}
		for c := max(1, f.from); c <= f.to; c++ {
			a.declare(fmt.Sprint(f.name, c), fmt.Sprintf(f.doc, c), f.params)
		}
	}
}

// declare writes the declaration of one function.
func (a *asm) declare(name, doc, params string) {
	a.line("\n// %s %s\n//\n//go:noescape\nfunc %s%s", name, doc, name, params)
}
