// Package keys says who may call a router: it reads a file of hashed API keys, finds
// the client that a key belongs to, and keeps the client within its limits.
//
// What it owns: the form of keys and of their file, the limits of each client, and
// what each client has used. The HTTP and gRPC APIs ask a Gate before they do
// anything for a request.
//
//	entry.go       the file: one entry per client
//	credential.go  the key of a request, from its header or its metadata
//	guard.go       finds the client of a key
//	client.go      limits and usage of one client
//	gate.go        joins the keys of clients and those of admins
//	metrics.go     shows the usage in /metrics
//	reload.go      reads the file again when it has changed
//	secret.go      makes keys
//
// Invariants: a key is in no file, no log and no error: only its hash is compared,
// in a time that depends neither on the key nor on the place of its entry. A file
// with a fault changes nothing. A change of the file ends no request that runs, and
// resets no limit of a client that stays. The number of clients is bounded, and
// with it the number of series in /metrics.
//
// Concurrency: a Guard, a Gate and a Caller may be used by any goroutine.
//
// References: RFC 6750 (bearer tokens), RFC 9110 section 11 (authentication).
package keys
