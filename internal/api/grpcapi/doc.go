// Package grpcapi is the gRPC API: InferenceService.
//
// What it owns: the conversion of its messages to and from package completion's
// requests and answers, and the metadata that names a request. server.go answers
// a call; request.go and conversation.go read one; answer.go writes an answer.
// tokens.go answers the calls of gateways, which are below the level of text;
// tokensrequest.go reads one, and tokensfailure.go says why it failed.
//
// Invariants: rules and limits are package completion's, codes of errors package
// failure's, so that a request which HTTP refuses is refused here too. Parameters
// are named in errors as the proto names them. Zero values are off: greedy, seed 0.
// A call of a gateway with a field that this program does not know is refused.
//
// Concurrency: calls run on the server's goroutines and share nothing.
package grpcapi
