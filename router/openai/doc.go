// Package openai is the HTTP API in the shape of OpenAI's: chat completions,
// completions, models, tokenize and detokenize.
//
// What it owns: decoding and checking of requests, the form of answers.
//
// Invariants: a request that would give another answer than the client asked
// for is a 400 that names the parameter; harmless unknown fields pass. A stream
// that fails after it began carries an error event and no [DONE].
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the OpenAI API reference; WHATWG server-sent events.
package openai
