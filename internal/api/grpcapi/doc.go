// Package grpcapi is the gRPC API of a router: InferenceService.
//
// What it owns: the conversion of its messages to and from package completion's
// requests and answers, and the metadata that names a request. server.go answers
// a call; request.go and conversation.go read one; answer.go writes an answer.
//
// Invariants: rules and limits are package completion's, codes of errors package
// failure's, so that a request which HTTP refuses is refused here too. Parameters
// are named in errors as the proto names them. Zero values are off: greedy, seed 0.
//
// Concurrency: calls run on the server's goroutines and share nothing.
package grpcapi
