// Package rpc carries expert calls over gRPC: one long-lived bidirectional
// stream per (router, replica).
//
// What it owns: the codec, the streams, sequence numbers, credits, the memory
// of messages, and the mapping of moe.Error to messages and back.
//
// Invariants:
//   - The wire is valid protobuf. A payload is sent from where it lies and kept
//     where it was received if that is one piece, else copied once. Memory on
//     its way out is released when gRPC frees it, because gRPC still sends after
//     SendMsg returns; memory that came in, when its holder releases it.
//   - Every message carries a CRC32C over body and payload; damage ends the
//     stream, and so does a sequence number that does not ascend.
//   - One writer and one reader goroutine per stream. The caller's goroutine
//     never calls SendMsg, and readers never wait on writers: what waits to be
//     sent is bounded by credits, refusals by a number of their own.
//   - A canceled call that waits, at the router or in the node's queue, leaves
//     it and gives its credits back. Late replies are dropped.
//   - A peer that sends nonsense costs its stream and a typed error, no memory
//     beyond the limits here.
//   - gRPC's own retry is off. Nothing here asks twice.
//
// Concurrency: Pool and Server may be used from any goroutine. Locks are taken
// in the order session.order, session.mu, outbox.mu; and exchange.mu before any
// of the handler's.
//
// References: grpc-go's encoding.CodecV2 and mem packages;
// docs/adr/0006-expert-calls.md.
package rpc
