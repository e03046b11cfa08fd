// Package peers bounds what one peer takes of a listener, so that a peer that opens
// connections without end takes no file descriptor from the others; and empties a
// listener before its end, so that none of them is cut off.
//
// What it owns: the count of open connections by the address of their peers.
//
// Invariants: a peer has at most the maximum of connections at once; one more is closed
// before a byte of it is read. The addresses of an IPv6 network of 64 bits, which is
// what one site gets, are one peer. This machine is no peer: its processes share an
// address, and can do more harm than open connections.
//
// Concurrency: a listener may be used by any goroutine.
//
// References: RFC 6177 (what one site gets).
package peers
