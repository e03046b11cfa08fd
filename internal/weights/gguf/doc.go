// Package gguf reads Mixtral models from GGUF files, the format of llama.cpp.
//
// What it owns: the read-only mappings of the file, or of the parts of a split
// one (NAME-00001-of-0000N.gguf).
//
// What the types of the file become:
//
//	F32, F16, BF16      the same
//	Q8_0, Q5_0          tensor.Int8, exactly
//	Q4_0                tensor.Int4, exactly
//	Q4_K                tensor.Int4Affine, exactly
//	MXFP4               tensor.MXFP4, exactly
//	Q4_1, Q5_1, Q5_K    tensor.Int8, to the nearest: they have a minimum
//	Q6_K                tensor.Int8, to the nearest: it has a scale for 16 elements
//
// Exactly means the same integers and scales in other places. To the nearest, a
// weight moves by at most 0.51/127 of the largest in its group of 32, while a
// step of Q6_K is at least 1/32 of the largest in its group of 16, one of Q5_K and
// Q5_1 about 1/31 of the range of its group, and one of Q4_1 1/15. An embedding or
// a gate that is quantized becomes BF16. Other types are refused.
//
// Rows of q and k, which the format keeps in the order of interleaved rotary
// pairs, return to the half-split order of Hugging Face.
//
// Invariants: a file is checked before anything is used: lengths, offsets,
// overlaps, shapes against the configuration. A tensor that the architecture does
// not have is an error, and so is a metadata key that could change the arithmetic
// and is not understood (keys.go): what is known to be information, or has the
// value that changes nothing, passes.
//
// The vocabulary of the file becomes tokenizer.model and tokenizer_config.json,
// with added tokens and chat templates; generation_config.json has the tokens that
// end an answer (vocabulary.go). testdata/chat*.gguf were made by
// tools/gguf/fixtures.py.
//
// Concurrency: a File is read by any number of goroutines until Close.
//
// References: the GGUF specification of the ggml project; OCP Microscaling Formats
// (MX) Specification 1.0.
package gguf
