// Package gguf reads Mixtral models from GGUF files, the format of llama.cpp.
//
// What it owns: one read-only mapping of the file.
//
// Q8_0 becomes tensor.Int8 and Q4_0 tensor.Int4, exactly: the same integers and
// scales in other places. Q4_K and Q6_K have scales and minima that neither
// holds, so they are widened to f32 and quantised to Int8, which is finer than
// both; the error of that step is at most max|w|/254 per group of 32. F32, F16
// and BF16 stay. Other types are refused.
//
// Rows of q and k, which the format keeps in the order of interleaved rotary
// pairs, return to the half-split order of Hugging Face.
//
// Invariants: a file is checked before anything is used: lengths, offsets,
// overlaps, shapes against the configuration. Metadata that could change the
// maths and is not understood (rope scaling, another architecture) is an error.
//
// Concurrency: a File is read by any number of goroutines until Close.
//
// References: the GGUF specification of the ggml project.
package gguf
