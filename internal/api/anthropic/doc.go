// Package anthropic is the HTTP API in the shape of Anthropic's messages, for clients
// that speak no other: a translation to the same turns, engine and answers as the
// other APIs have.
//
// What it owns: the JSON of messages, content blocks, events and errors. What HTTP
// APIs share is package httpapi's, the parameters that they share package generation'.
//
//	request.go, messages.go, tools.go  read a request
//	server.go                          follows the answer
//	writer.go                          writes its parts, whole or as events
//
// Invariants: the answer has the text and the tool inputs that the chat completions
// of the same conversation, parameters and seed have. Every error has Anthropic's
// shape.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the Anthropic API reference, messages, streaming and errors.
package anthropic
