// Package strictjson splits a JSON object into its members without losing
// what encoding/json forgives: a repeated key, a value that is not an object,
// data after the end.
//
// What it owns: nothing; its functions are pure. Object reads model files, because a
// key that is read twice, or silently dropped, changes the arithmetic. Valid, Distinct,
// Members and Elements read messages from the network: they copy nothing, and count before
// they make.
//
// Concurrency: safe, no state.
//
// References: RFC 8259 section 4.
package strictjson
