// Package logprobs shows tokens and their log probabilities to clients, in the form
// of OpenAI's chat completions and responses.
//
// What it owns: how a token is written that is no text: half a character, a special
// token, a token without bytes.
//
// Invariants: every log probability is a number of JSON.
//
// Concurrency: a Namer is immutable.
//
// References: the OpenAI API reference, log probabilities.
package logprobs
