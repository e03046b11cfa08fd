package main

import "fmt"

// declare writes the Go declarations of the functions that every instruction
// set has.
func declare(a *asm, isa string) {
	function := func(name, args, comment string) {
		a.line("\n// %s %s\n//\n//go:noescape\nfunc %s(%s)", name, comment, name, args)
	}
	for _, e := range tiled {
		for c := 1; c <= tileCols; c++ {
			function(fmt.Sprintf("Tile%sx%d", e.name, c), "lanes, x, w unsafe.Pointer, xStride, wStride, n, ahead, carry int",
				fmt.Sprintf("holds 4 rows of %s times %d rows of x.", e.name, c))
		}
	}
	for _, e := range append(elements, packed8) {
		function("Unpack"+e.name, "dst, src unsafe.Pointer, n, step int", "widens n elements, groups of 16 step bytes apart.")
	}
	for c := 1; c <= tileCols; c++ {
		function(fmt.Sprintf("Scoresx%d", c), "y, q, keys unsafe.Pointer, qStride, n int", fmt.Sprintf("multiplies %d rows with 16 columns.", c))
		function(fmt.Sprintf("Weighx%d", c), "acc, p, v, fade unsafe.Pointer, n, count int", fmt.Sprintf("adds count weighted rows of n elements to %d faded rows.", c))
	}
	for c := 1; c <= tileCols; c++ {
		function(fmt.Sprintf("Panelx%d", c), "lanes, x, w unsafe.Pointer, steps, carry int", fmt.Sprintf("holds 4 packed rows times %d.", c))
	}
	function("Prefetch", "p unsafe.Pointer, n int", "asks for n bytes that will be read.")
	for c := 1; c <= tileCols; c++ {
		function(fmt.Sprintf("SplitTilex%d", c), "lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int",
			fmt.Sprintf("holds 4 rows of BF16 times %d of f32, odd elements apart from even ones.", c))
	}
	function("SplitPairs", "dst, src unsafe.Pointer, steps, step int", "sets odd elements apart from even ones.")
	function("Reduce", "y, lanes unsafe.Pointer, yStride, count int", "folds count times 4 outputs.")
	for c := 1; c <= dotCols; c++ {
		for _, b := range blockTypes {
			function(fmt.Sprintf("%s%d", b.name, c), "y, x, w unsafe.Pointer, yStride, groups, carry int", fmt.Sprintf("multiplies 16 quantized rows with %d.", c))
		}
	}
	if isa == "neon" {
		return
	}
	function("SiLUMul", "dst, up unsafe.Pointer, n int", "is dst = SiLU(dst) * up.")
	function("Softmax", "p, top, sum, fade, keyScales, valueScales unsafe.Pointer, n, first, last int, scale float32", "turns n rows of 16 scores into weights.")
	function("ScaleMul", "y, x, w unsafe.Pointer, scale float32, n int", "is y = (x * scale) * w.")
	function("RoundBF16", "v unsafe.Pointer, n int", "rounds to bf16 in place.")
	function("Add", "dst, v unsafe.Pointer, n int", "is dst += v.")
	function("AbsMax", "dst, x unsafe.Pointer, groups int", "finds the largest magnitude of each group of 32.")
	function("Farthest", "dst, x unsafe.Pointer, groups int", "finds the value of the largest magnitude of each group of 32.")
	function("Scales", "half, inv, d unsafe.Pointer, n int", "rounds n scales, a multiple of 16, to f16 and inverts them.")
	function("Quant", "q, sums, x, inv unsafe.Pointer, groups int", "rounds x*inv to bytes and adds them up.")
	a.line("\n// Stream reads n bytes, a multiple of 512, and returns something made of them.\n//\n//go:noescape\nfunc Stream(p unsafe.Pointer, n int) uint64")
	function("PeakFMA", "n int", "runs 12n fused multiply-adds that wait for nothing.")
	if isa == "avx512" {
		for c := 1; c <= tileCols; c++ {
			function(fmt.Sprintf("PairTilex%d", c), "lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int",
				fmt.Sprintf("holds 4 rows of BF16 times %d of BF16.", c))
			for _, name := range []string{"Split", "Pair"} {
				function(fmt.Sprintf("%sPanelx%d", name, c), "lanes, x, w unsafe.Pointer, wStride, steps, groups, nextX, nextW, carry int",
					fmt.Sprintf("is %sTilex%d for groups of rows of BF16.", name, c))
			}
		}
		for c := 1; c <= slimSplitCols; c++ {
			function(fmt.Sprintf("SlimSplitx%d", c), "lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int",
				fmt.Sprintf("holds 4 rows of BF16 times %d of f32, few of the rows at a time.", c))
		}
		for c := 2; c <= slimCols; c++ {
			function(fmt.Sprintf("SlimTilex%d", c), "lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int",
				fmt.Sprintf("holds 4 rows of BF16 times %d of BF16, few of the rows at a time.", c))
		}
		for _, name := range []string{"Split", "Pair"} {
			function(name+"Rows", "lanes, x, w unsafe.Pointer, wStride, steps, ahead, carry int", fmt.Sprintf("is %sTilex1, one row of w after the other.", name))
		}
		function("NarrowPairs", "dst, src unsafe.Pointer, steps, step int) (lost int", "cuts f32 to BF16 and tells whether bits were lost.")
		function("PeakBF16", "n int", "runs 12n dot products of BF16 pairs that wait for nothing.")
		function("PeakVNNI", "n int", "runs 12n dot products of bytes that wait for nothing.")
	}
}
