// Package kernels is the sources of the kernels of package cuda, for tests: the hash
// that compiled kernels carry, and the fake driver, which computes with them.
//
// What it owns: the files. build.sh compiles them; `make cubin` calls it.
//
// Invariants: no file is changed without `make cubin`; a test compares hashes.
//
// Concurrency: constants only.
//
// References: wgmma.cu, portable.cu, support.cu, dense.cu, attention.cuh, warp.cuh,
// silu.cuh.
package kernels
