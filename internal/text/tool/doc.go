// Package tool describes the functions that a model may call, and the calls that
// it makes.
//
// What it is: the nouns that all APIs share (tool.go), the formats in which models
// write calls (format.go, marks.go), and the Parser, which finds reasoning and calls
// in an answer as it comes.
//
// What it owns: what a name and a set of tools may be, and what an answer says.
// Package grammar has the language of such answers; the two agree on marks and gaps.
//
// Invariants: a name has letters, digits, '_' and '-' only, so that a reader of an
// answer knows where a name ends, whatever follows it. A Parser reports the same
// however an answer is cut into parts, and accounts for every byte.
//
// Concurrency: a Parser belongs to one goroutine; the rest are values.
//
// References: the function calling of OpenAI's API, which others follow.
package tool
