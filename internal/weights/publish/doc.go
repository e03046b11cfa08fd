// Package publish copies models between directories and places elsewhere.
//
// What it owns: the order of the files, what is skipped, and the verification of a copy.
//
// A published model is a checkpoint directory in the Hugging Face format: a safetensors file for
// each expert and each layer, their index, the manifest, the text files. So a node
// fetches few files, and every tool reads them all.
//
// Invariants: Push hashes every tensor before it writes. config.json comes last, so a copy that was
// cut is no model; the next copy continues it. Pull ends well only if every tensor has the
// hash of the manifest.
//
// Concurrency: every function works by itself; only one process may write to a place at a
// time.
package publish
