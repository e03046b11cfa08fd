// Package httpapi is what the HTTP APIs of a router share: it reads requests,
// routes them, names and logs them, and writes answers, streams and errors.
//
// What it owns: the transport of a request, from its body to the last byte of its
// answer. An API has routes, a Shape of its errors, and the meaning of its
// parameters. Limits and ranges are package completion's, statuses of errors
// package failure's.
//
//	routes.go    joins the routes of several APIs
//	absent.go    says what there is instead of an endpoint that hachi lacks
//	cors.go      lets pages of other origins call
//	local.go     refuses pages of other sites that call this machine
//	gate.go      asks for the API key of each route
//	record.go    names a request, logs it, recovers from panics
//	call.go      reads a POST's body, bounds it in time, answers its errors
//	conn.go      tells a client that has gone from one that only stopped writing
//	body.go      reads one JSON object
//	drain.go     reads what a client still sends when its request was refused
//	reader.go    reads members by their types, and keeps the first fault
//	limits.go    counts what reading makes of a body
//	ignored.go   names the members that no code has read
//	stream.go    writes server-sent events, and comments while there are none
//	errors.go    turns any error into the shape of its API
//
// Invariants: every key of a request is read, or named in the answer's header, or
// refused. Every error answer has the shape of its API. A stream that fails after
// it began ends with an error event. When Handler returns, nothing writes to its
// connection any more.
//
// Concurrency: a Call and its Readers belong to the goroutine that answers the
// request. A Stream may be used by one goroutine; its heartbeats come from
// another, which it owns.
//
// References: RFC 9110 (HTTP), RFC 8259 (JSON), WHATWG server-sent events.
package httpapi
