// Package access names requests and logs them: a request has one id in its log
// lines, its errors and the headers of its answer, whatever API it comes by.
//
// What it owns: the form of request ids, and the record of one request.
//
// Invariants: an id is 1 to 128 visible ASCII characters, so it can stand in a
// header, in metadata and in a log line as it is. Every request has a record.
//
// Concurrency: a Record belongs to the goroutine that answers its request.
package access
