// Package mini tests what hachi-mini says: that it is what transformers says with
// the same weights, that every attribute changes it, and that it makes sense.
//
// What it owns: the goldens of testdata, the judge of the prompts of tools/mini,
// and docs/mini-attributes.md, which `make mini-table` writes.
//
// Invariants: all answers are greedy and come from one cluster of three nodes in
// this process, or from the server of -url, so a test finds the same answers on
// every machine.
//
// References: docs/mini.md; testdata/make_goldens.py.
package mini
