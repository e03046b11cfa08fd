// Package source reads the files of a model that are not in a directory of this machine:
// a process fetches only the tensors that it computes with.
//
// What it owns: the place of a model as a user names it, the ways to read ranges of files
// from it (Files: HTTP here, S3 in package s3, an OCI layout in package oci), retries, and the
// cache of fetched tensors in a directory.
//
// Invariants:
//   - A tensor is used only if its bytes have the SHA-256 of the manifest. Without a
//     manifest, the bytes in the cache must have the hash that they had when they came.
//   - What a process computes with is memory of its own: a change of the cache, or of the
//     source, changes nothing that is resident.
//   - An entry of the cache is complete: it is renamed into place when all of it is on the
//     disk. A kill at any time loses at most what was on the way; what had arrived of a
//     tensor is continued, and no complete tensor is fetched again while the budget has
//     room for it.
//   - An entry that is damaged is removed and fetched again. A cache that cannot be
//     written, as on a full disk, is logged and gone without.
//   - All files are of the version that was seen first; a file that changes is an error.
//   - Sizes that a source states are bounded before memory is reserved for them. No request
//     with credentials, and none at all unless it is allowed, follows a redirect to
//     another host. No error, log line or name contains a credential.
//
// Concurrency: a Model may be used by many goroutines, and a cache by many processes.
//
// References: RFC 9110 sections 13 and 14 (conditional and range requests), the
// safetensors format of Hugging Face.
package source
