// Package awq reads Mixtral checkpoints that were quantized with AWQ: 4 bits,
// the "gemm" layout, with zero points.
//
// What it owns: the open files of the directory.
//
// A matrix [out, in] is three tensors: qweight I32 [in, out/8] with eight
// outputs in each word, qzeros I32 [in/group, out/8] packed alike, and scales
// F16 [in/group, out]. The weight is scale*(q-zero). Groups of 128, which nearly
// all such checkpoints have, are repacked to tensor.Int4Affine, exactly: the
// scale is there once for 128 columns, and the zero is its factor in the
// minimum. Groups of 32, 64 or 96 become tensor.Int8, exactly too: q-zero are
// small integers. Matrices that are not packed keep their type.
//
// The quantization is described by quantization_config in config.json, or by
// quant_config.json, where AutoAWQ put it in 2023.
//
// Invariants: anything about the quantization that is not understood is an error,
// and so is a tensor that the model does not have, or of the wrong type or shape.
//
// Concurrency: a Model is read by any number of goroutines until Close.
//
// References: Lin et al., arXiv 2306.00978.
package awq
