// Package cuda computes experts on NVIDIA GPUs, with kernels of its own that keep the
// first promise of hachi: a row has the same bits whatever rows are beside it. The
// other half of a model, Dense, is computed by the processor, as in package cpu, unless
// backend.Options.Attention asks for the GPU.
//
// What it owns: the context of one device, the images of weights in its memory, two
// lanes for calls (a stream, pinned memory for rows on their way, device memory for
// what is between the products) and one lane for loading. A Dense owns its weights, one
// lane and the KV cache, all in the device's memory.
//
// Invariants:
//   - y = bf16(w2 · bf16(SiLU(w1·x) * (w3·x))). Each sum is one f32 accumulator of a
//     tensor core, which takes K in ascending steps of 16, and zeros behind K. Neither
//     the tile, the grid, the lane nor the company of a row reaches it. Other rounding
//     points are refused when experts are opened.
//   - Dense has products of the same sums, which stay f32, and the kernels of dense.cu
//     between them. A row's tiles of positions depend on its position only.
//   - The family names the GPU's compute capability, since how a tensor core adds 16
//     products is the chip's. Experts in one family are never mixed with others.
//   - All experts of a call are one launch for each product. Dimensions are padded to
//     multiples of 128 with zero weights.
//   - Weights are copied when Load returns: in 8 KiB tiles of shared memory for the
//     kernels of wgmma.cu, else in the order of registers of portable.cu.
//   - Memory for rows is allocated when experts are opened, so that Capacity is what
//     is left for weights.
//   - After a sticky fault of the driver, or when a kernel has not ended in
//     Config.Patience, every call is a *backend.LostError, and the driver is called
//     no more: the end of the process gives everything back. A device without calls is
//     looked at every Config.Look, so that a fault is found before a call needs it.
//
// Concurrency: Experts may be used from any goroutine. Two calls run at once; others
// wait. An expert that is unloaded waits for the calls that run. A Dense belongs to one
// goroutine.
//
// References: kernels/wgmma.cu, kernels/portable.cu, kernels/attention.cuh, docs/accelerators.md.
package cuda
