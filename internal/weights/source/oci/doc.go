// Package oci reads and writes a model in an OCI image layout, a directory that registries
// and their tools understand.
//
// What it owns: how a model is an artifact: a manifest of the type application/vnd.hachi.model.v1
// with a layer for each file, whose annotation org.opencontainers.image.title is the name of the
// file. A layer is the file itself.
//
// Invariants: a file that is read whole has the digest of its layer. Names are plain: none leads
// out of a directory. The same files make the same manifest.
//
// Concurrency: a Layout may be read by many goroutines; Put and Finish are called by one.
//
// References: OCI image format specification (layout, manifest, annotations).
package oci
