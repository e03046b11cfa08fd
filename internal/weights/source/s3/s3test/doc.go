// Package s3test is an object store for tests: objects in memory, and requests whose
// signatures are checked.
//
// What it owns: the objects, and the verification of AWS Signature Version 4, which is
// independent of the client's.
//
// Invariants: a request with a wrong signature, a wrong hash of its body, or none where
// keys are set, gets 403 and changes nothing.
//
// Concurrency: a Server is safe for concurrent use.
//
// References: AWS Signature Version 4 for Amazon S3.
package s3test
