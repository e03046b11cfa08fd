// Package openai is the HTTP API in the shape of OpenAI's: chat completions,
// completions, models, tokenize and detokenize, and the probes.
//
// What it owns: decoding and checking of requests, the form of answers and of
// errors. A request's life: body.go reads an object, parameters.go sorts its
// keys, fields.go and the endpoint's own file check the values, choices.go
// starts the answers and follows them, chat.go or completions.go write them,
// whole or over sse.go.
//
// Invariants: a request that would give another answer than the client asked
// for is a 400 that names the parameter; what is harmless or unknown passes,
// and the answer's header names the unknown. Every answer to a request is JSON,
// an error has OpenAI's shape. A stream that fails after it began carries an
// error event and no [DONE]. A client that goes away takes its sequences along.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the OpenAI API reference; WHATWG server-sent events; RFC 9110.
package openai
