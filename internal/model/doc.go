// Package model is the Mixtral family as arithmetic on interfaces: configuration,
// gate, what one layer computes, the batch a step works on, and the seam to a
// backend.
//
// What it owns: the order of operations. It owns no memory of its own and no
// kernels; Dense and FFN are a backend's two halves, Experts is the seam
// between them, over a function call or a cluster. Package arch says which of
// the options an architecture uses.
//
// Invariants: the numerics contract. x after post_attention_norm is rounded to
// the wire dtype once, before both gate and experts; an expert's reply row is
// rounded before its gate weight; combine adds in ascending expert id.
//
// Concurrency: every method runs on the caller's goroutine; package
// internal/router/pipeline owns the clock and the goroutines of a step.
//
// References: arXiv 2401.04088; MixtralForCausalLM of Hugging Face
// transformers.
package model
