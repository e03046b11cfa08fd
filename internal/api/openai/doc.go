// Package openai is the HTTP API in the shape of OpenAI's: chat completions,
// completions, models, tokenize and detokenize.
//
// What it owns: the JSON of requests, answers and errors. Limits and ranges are
// package completion's; what HTTP APIs share is package httpapi's.
//
//	options.go, structured.go     read parameters, with package generation
//	parameters.go                 refuses what is not supported
//	messages.go                   read conversations
//	choices.go                    starts the answers and follows them
//	chat.go, completions.go       write them, whole or as events
//
// Invariants: a request that would give another answer than the client asked
// for is a 400 that names the parameter; what is unknown passes, and the answer's
// header names it. When a client goes away, its sequences end.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the OpenAI API reference.
package openai
