// Package completion turns the engine's tokens into text: it detokenises as
// tokens come, holds back what may become a stop text, and counts.
//
// What it owns: the text state of one answer.
//
// Invariants: text is whole characters; it never contains a stop text or what
// follows one; the deltas of an answer concatenate to the answer.
//
// Concurrency: a Reader belongs to one goroutine.
package completion
