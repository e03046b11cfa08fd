// Package strictjson splits a JSON object into its members without losing
// what encoding/json forgives: a repeated key, a value that is not an object,
// data after the end.
//
// What it owns: nothing; it is one pure function. Model files are read through
// it because a key that is read twice, or silently dropped, changes the arithmetic.
//
// Concurrency: safe, no state.
//
// References: RFC 8259 section 4.
package strictjson
