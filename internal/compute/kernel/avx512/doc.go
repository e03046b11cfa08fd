// Package avx512 holds the kernels for AVX-512 F, BW, DQ and VL in assembly.
//
// What it owns: instructions only. Package kernel says what every function
// computes, checks the bounds and decides when a processor may run it.
//
// The code is written by tools/kernelasm (make asm) and committed.
//
// References: Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2.
package avx512
