// Package openai is the HTTP API in the shape of OpenAI's: chat completions,
// completions, models, tokenize and detokenize, and the probes.
//
// What it owns: the JSON of requests, answers and errors. Limits and ranges are
// package completion's, statuses of errors package failure's.
//
//	record.go                     names the request, logs it, recovers from panics
//	body.go                       reads one JSON object
//	parameters.go                 sorts its keys: known, harmless, unsupported, unknown
//	fields.go, options.go, ...    read the values by their types
//	choices.go                    starts the answers and follows them
//	chat.go, completions.go       write them, whole or as events (sse.go)
//
// Invariants: a request that would give another answer than the client asked
// for is a 400 that names the parameter; what is harmless or unknown passes,
// and the answer's header names the unknown. Every answer to a request is JSON,
// an error has OpenAI's shape. A stream that fails after it began carries an
// error event and no [DONE]. When a client goes
// away, its sequences end.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the OpenAI API reference; WHATWG server-sent events; RFC 9110.
package openai
