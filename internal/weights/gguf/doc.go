// Package gguf reads Mixtral models from GGUF files, the format of llama.cpp.
//
// What it owns: one read-only mapping of the file.
//
// Q8_0 becomes tensor.Int8, Q4_0 tensor.Int4 and Q4_K tensor.Int4Affine,
// exactly: the same integers and scales in other places. Q6_K has a scale for 16
// elements, where Int8 has one for 32, and Q5_K a minimum, so both are widened to
// f32 and quantized to Int8; a weight moves by at most 0.51/127 of the largest in
// its group of 32, while a step of Q6_K is at least 1/32 of the largest in its
// group of 16, and one of Q5_K about 1/31 of the range of its group. F32, F16 and
// BF16 stay. Other types are refused.
//
// Rows of q and k, which the format keeps in the order of interleaved rotary
// pairs, return to the half-split order of Hugging Face.
//
// Invariants: a file is checked before anything is used: lengths, offsets,
// overlaps, shapes against the configuration. Metadata that could change the
// arithmetic and is not understood (rope scaling, another architecture) is an error.
//
// Concurrency: a File is read by any number of goroutines until Close.
//
// References: the GGUF specification of the ggml project.
package gguf
