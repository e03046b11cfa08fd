// Package s3 reads and writes files of models in an S3-compatible object store.
//
// What it owns: where the store is, and who asks it.
//
// Invariants: credentials come from a file or from the environment, never from a URL, and
// are sent as signatures only. No program is run and no metadata service is asked for them.
// They are in no error. Redirects are not followed. Every range is compared with what
// was asked for, and read of the version that was seen first.
//
// Concurrency: a Store is safe for concurrent use.
//
// References: Amazon S3 API reference (GetObject, HeadObject, PutObject), AWS
// Signature Version 4, the shared credentials file of the AWS tools.
package s3
