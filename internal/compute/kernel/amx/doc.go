// Package amx holds the kernels for Intel AMX (AMX-TILE, AMX-INT8, AMX-BF16) in
// assembly, and asks Linux for the state of tiles.
//
// What it owns: instructions, and the permission to use them. Package kernel says
// what every function computes, checks the bounds and decides when a processor may
// run it.
//
// # Invariants
//
//   - A function loads its configuration of tiles at its begin and releases it at
//     its end. Go neither preempts a goroutine within an assembly function nor moves
//     it to another thread, so no tile lives across functions.
//   - No function runs before Permit has returned nil. Linux raises SIGILL else.
//   - Permit may be called at any time, by any thread, and again: the permission is
//     that of the process, and the threads of Go have signal stacks of 32 KiB, which
//     hold the 8 KiB of tiles besides all other registers.
//
// The code is written by tools/kernelasm (make asm) and committed. The assembler lacks
// the instructions of AMX, so they are bytes; make asm-check lets objdump read them.
//
// References: Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 1, chapter 18, and volume 2; Linux, Documentation/arch/x86/xstate.rst.
package amx
