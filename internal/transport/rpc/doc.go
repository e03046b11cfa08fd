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
// # Wire
//
// A message is an ExchangeRequest or an ExchangeResponse of expert.proto. This
// package writes its fields in this order:
//
//	bytes  content
//	1      tag of the body (from a router: hello 0x0a, call 0x12, cancel 0x1a;
//	       from a node: welcome 0x0a, reply 0x12, failure 0x1a, drain 0x22)
//	1-5    varint n, the length of the body
//	n      the body; callwire.go has the layout of a call and of a reply
//	1      tag 0x75 of the checksum
//	4      CRC32C, little-endian
//	1      tag 0x7a of the payload; it and what follows are absent if m = 0
//	1-5    varint m, the length of the payload
//	m      rows, row-major
//
// The checksum covers the first n bytes of body with the tag and the length
// before them, and then the m bytes of rows. It does not cover the payload's
// tag and length: a wrong one gives other rows, whose checksum differs, or an
// unexpected field.
//
// # Life of a stream
//
//	opening --welcome--> live --error, node's end, join--> ended
//	   |
//	   +--error, wrong fingerprint or node, ctx--> no stream
//
// The router holds a stream open to each node of Keep, and opens one to another with
// the first call, and again with the first call after its end. The node ends a stream
// when the router has left it, and when a message breaks the protocol; never to drain.
//
// # Life of a call
//
// At the router, Done receives exactly one end:
//
//	no stream --opening.begin--> session.register --> in session.pending
//	no stream --opening fails, cancel--> Done(Unreachable, Mismatch, Corrupt)
//	session.register --no credits, too large, ended--> Done(Busy, Invalid, ...)
//	in session.pending --reply, failure, cancel, end of the stream--> Done
//
// At the node, credits are taken once and given back once:
//
//	accept --invalid, no credits--> refusal in the outbox --> sent
//	accept --reserve--> in exchange.calls --answered--> in the outbox --> sent
//	in exchange.calls --cancel, still in the queue--> forgotten
//	in exchange.calls --cancel, being computed--> answered --> forgotten
//
// # Ownership of memory
//
//	rows of a call, router    the caller; outgoing from callMessage on; gRPC from
//	                          SendMsg on, which frees them through part.Put
//	rows of a call, node      incoming; request from accept on; Server.forget
//	                          frees them once the handler has answered
//	rows of a reply, node     the handler; outgoing from replyMessage on; gRPC
//	rows of a reply, router   incoming; arrival from receive on; the caller's
//	                          Reply.Free frees them
//
// # Concurrency
//
// Pool and Server may be used from any goroutine. Locks are taken in this
// order, left before right:
//
//	opening.mu, session.order, session.mu
//	opening.mu, session.order, outbox.mu
//	opening.mu, Pool.mu
//	Server.mu, outbox.mu
//	exchange.mu, the handler's locks
//
// peer.mu is taken with no other lock held, and none is taken under it.
//
// Goroutines and what joins them:
//
//	session.read, session.write   two per live stream; session.join
//	opening.run                   one per call without a stream; peer.close
//	keeper.run                    one per replica of Keep; Pool.Close
//	peer.close                    one per retired peer; Pool.Close
//	exchange.write                one per stream of a node; Server.Exchange
//	exchange.read                 gRPC's own goroutine of the stream
//
// References: grpc-go's encoding.CodecV2 and mem packages;
// docs/adr/0006-expert-calls.md.
package rpc
