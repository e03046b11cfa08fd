// Package neon holds the kernels for the Advanced SIMD of arm64 in assembly.
// Four registers of 4 lanes stand for the 16 lanes of an output.
//
// What it owns: instructions only. Package kernel says what every function
// computes, checks the bounds and decides when a processor may run it.
//
// The code is written by tools/kernelasm (make asm) and committed.
//
// Products of integers need the dot-product extension; their instructions, which
// the assembler lacks, are words with a comment.
//
// References: Arm Architecture Reference Manual for A-profile, DDI 0487.
package neon
