// Package responses is the HTTP API in the shape of OpenAI's responses, without
// state: a translation to the same turns, engine and answers as the other APIs have.
//
// What it owns: the JSON of items, answers and events. What HTTP APIs share is
// package httpapi's, the parameters that they share package generation'.
//
//	request.go, input.go, tools.go  read a request
//	server.go, follower.go          follow the answer
//	writer.go                       writes its parts, whole or as events
//
// Invariants: the answer has the text and the arguments that the chat completions of
// the same conversation, parameters and seed have. Nothing is stored: what would need
// an earlier answer is refused. The last event of a stream carries the whole answer.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
//
// References: the OpenAI API reference, responses and their streaming events.
package responses
