// Package sm90 computes products as the tensor cores of an NVIDIA H100 (sm_90) sum
// them: a model of how mma.sync and wgmma add 16 products of bf16 to an f32.
//
// It is a study: can a processor stand in for a GPU, with the same bits? On every sum
// that was read from a GPU the model has the bits of the GPU, see testdata; what it
// costs is in docs/accelerators.md. No backend uses it.
//
// Invariants: the order of the sums is that of the kernels of backend cuda, K in
// ascending steps of 16 into one accumulator, without a split over K.
//
// References: M. Fasi, N. Higham, M. Mikaitis, S. Pranesh, Numerical behavior of NVIDIA
// tensor cores, PeerJ Computer Science 2021: products are exact, sums are aligned to
// the largest exponent and truncated. P. Xie, Y. Wang, F. Yang, M. Yang, MMA-Sim,
// arXiv 2511.10909, 2025: the number of bits that are kept, by generation.
//
// Concurrency: functions only; a Product belongs to one goroutine.
package sm90
