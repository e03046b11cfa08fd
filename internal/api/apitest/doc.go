// Package apitest serves HTTP APIs over an engine that follows a script, for tests.
//
// What it owns: the tokenizer and the grammars of a test binary, loaded once.
//
// Concurrency: a Bench belongs to one test.
package apitest
