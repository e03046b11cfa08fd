// Package mini is hachi-mini, the small language model that is part of the
// program: a Mixtral of 14 million parameters that speaks English and Japanese.
// docs/mini.md is its model card, tools/mini trains it.
//
// What it owns: the files of the checkpoint, embedded as they were exported, and
// their way to a directory. The build tag nomini leaves the files out.
//
// Invariants: what Write and Install put on disk is what is embedded, byte by byte.
// An installed directory is whole: one that is not is replaced before it is used.
//
// Concurrency: of several processes that install at once, one writes and the
// others wait for it.
//
// References: docs/adr/0022-mini.md (why the weights are bf16).
package mini
