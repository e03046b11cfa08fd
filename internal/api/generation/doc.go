// Package generation reads the parameters of an answer that the HTTP APIs have in
// common: how tokens are drawn, what ends the answer, whose cache it uses, how long
// it may take, and the attributes that steer it. Few of them are OpenAI's or
// Anthropic's; they have one name and one meaning in every API.
//
// What it owns: their names and kinds. Ranges are checked by package completion.
//
// Invariants: an attribute is used, or refused with the path where it stands.
//
// Concurrency: pure.
package generation
