// Package fakecuda builds a CUDA driver made of host memory, so that tests run the Go
// side of package cuda on machines without a GPU.
//
// What it owns: the C source in driver, and the libraries that it compiles from it.
//
// Invariants: the driver checks every argument, and that a context is current on the
// calling thread. It computes portable.cu and dense.cu by running their source, and the kernels of
// wgmma.cu and support.cu by their definition: it shows nothing about wgmma.cu itself,
// nor about speed.
//
// Concurrency: each Open has a library of its own, with its own memory and faults.
package fakecuda
