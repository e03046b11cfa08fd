// Package rpc carries expert calls over gRPC: one long-lived bidirectional
// stream per (router, node).
//
// What it owns: the codec, the streams, sequence numbers, credits and the
// mapping of moe.Error to messages and back.
//
// Invariants:
//   - The wire is valid protobuf. The payload is sent from the memory it was
//     handed over in and copied once on receipt; memory on its way out belongs
//     to the garbage collector, because gRPC still sends after SendMsg returns.
//   - Every message carries a CRC32C over body and payload; damage ends the
//     stream.
//   - One writer and one reader goroutine per stream. The caller's goroutine
//     never calls SendMsg. The node's reader never waits on its writer: calls in
//     flight are bounded by credits and a reply's room is reserved with its call.
//   - Sequence numbers are never reused on a stream; late replies are dropped.
//   - gRPC's own retry is off. Nothing here asks twice.
//
// Concurrency: Pool and Server may be used from any goroutine.
//
// References: grpc-go's encoding.CodecV2 and mem packages.
package rpc
