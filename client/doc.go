// Package client calls a hachi cluster over HTTP: chat, completions and
// streams at a router.
//
// A Client speaks the API of docs/api.md, which has the shape of OpenAI's API,
// so most of its methods work with any server of that shape.
//
// What it owns: the wire shapes of requests and answers, the reader of
// server-sent events, the typed error.
//
// Invariants:
//   - A stream that ends without an error is complete: a stream cut before
//     [DONE] is an error.
//   - Every refusal is an *Error with the status, the code, the request id and
//     the time after which the server wants to be asked again.
//   - No request is sent twice: a caller that retries decides so itself.
//
// Concurrency: a Client may be used from any goroutine. The iterator of Stream
// belongs to one goroutine.
package client
