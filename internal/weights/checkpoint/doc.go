// Package checkpoint reads checkpoints of every architecture in package arch,
// in the Hugging Face layout: config.json and safetensors files, one or sharded
// by an index.
//
// What it owns: open files and read-only mappings of single tensors. Open
// reads headers and one sampled page per tensor; nothing else becomes resident
// until a caller maps it, so an expert node pays for its own experts only.
//
// Invariants: every tensor the configuration asks for exists once, with the
// shape it implies and f32, f16 or bf16 elements, or, for matrices, blocks of
// integers (tensor.Int8, tensor.Int4, tensor.Int4Affine) stored as U8 [strips, blocks, bytes];
// files have no holes, no overlaps and no trailing bytes. Whatever breaks this is an *Error naming
// file, tensor, expected and found. A tensor that is not understood is an
// error too, unless it cannot change the arithmetic.
//
// Concurrency: a Checkpoint may be used by many goroutines. A map is closed
// once, by its owner, when no kernel reads it any more: its weights are views
// of unmapped memory afterwards. Files must not be shortened while mapped.
//
// References: the safetensors format description of Hugging Face.
package checkpoint
