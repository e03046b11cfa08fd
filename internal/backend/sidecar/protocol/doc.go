// Package protocol is what a node and the helper process of its experts say to each
// other: frames over a Unix socket, and the layout of the memory that they share.
// docs/sidecar.md is the specification for authors of helpers.
//
// What it owns: the bytes. It opens no socket and maps no memory.
//
// Invariants:
//   - A frame is read completely or refused with an error; a body larger than MaxBody
//     is refused before it is read.
//   - Parse functions refuse what they would not write: a short body, bytes beyond
//     the body, numbers out of range.
//
// Concurrency: functions and values only.
package protocol
