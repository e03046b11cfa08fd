// Package avx2 holds the kernels for AVX2 with FMA and F16C in assembly. Two
// registers of 8 lanes stand for the 16 lanes of an output.
//
// What it owns: instructions only. Package kernel says what every function
// computes, checks the bounds and decides when a processor may run it.
//
// The code is written by tools/kernelasm (make asm) and committed.
//
// References: Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2.
package avx2
