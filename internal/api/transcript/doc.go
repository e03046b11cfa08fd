// Package transcript joins the items of a conversation into turns of a chat: the
// responses and the messages API send calls, results and pieces of text one by one,
// where a chat template knows turns.
//
// What it owns: which items become one turn, and where the system may speak.
//
// Invariants: two turns in sequence have different roles, unless both are results of
// tools. No text is dropped.
//
// Concurrency: a Transcript belongs to one goroutine.
package transcript
