// Package tensor holds the formats of weights, rows and KV cache, the
// conversions between them, and borrowed views of matrices.
//
// A format is an entry of one table: its name, the shape and the bytes of its
// blocks, how to quantize and to dequantize a row. Everything else asks the
// table, so a new format is one file and one entry; see
// docs/extend/add-a-format.md.
//
// What it owns: no memory. A Matrix and a Weight are views; the callee must
// not retain them beyond the call unless its comment says so.
//
// Invariants: conversion to bf16 and f16 rounds to nearest, ties to even,
// keeps infinities, and keeps NaN a NaN.
//
// References: IEEE 754-2019 section 4.3.1.
package tensor
