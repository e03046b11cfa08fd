// Package arch describes architectures as data: the keys of config.json, the
// names of the tensors, and how both lead to a model.Config. The arithmetic
// itself is in model and in the backends; an architecture chooses among their
// options.
//
// What it owns: Arch, one value per architecture (mixtral.go and its
// neighbors), the list of them (All), the parser and the writer of config.json.
//
// Invariants: a key that could change the arithmetic and that the architecture
// does not know is an error. Tensors are addressed by role, never by their
// position in a list. Every role that a configuration needs has a name.
//
// Concurrency: an Arch is immutable; all functions may be called from any
// goroutine.
//
// References: configuration and modeling files of Hugging Face transformers;
// the GGUF specification for its names. docs/extend/add-an-architecture.md
// shows how to add one.
package arch
