// Package tool describes the functions that a model may call, and the calls that
// it makes.
//
// What it is: the nouns that all APIs share.
//
// What it owns: what a name and a set of tools may be.
//
// Invariants: a name has letters, digits, '_' and '-' only, so that a reader of an
// answer knows where a name ends, whatever follows it.
//
// Concurrency: values only.
//
// References: the function calling of OpenAI's API, which others follow.
package tool
