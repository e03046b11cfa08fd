// Package faulty injects faults: into expert calls, over the same interface as
// the transport it wraps (Network), and into the bytes of a TCP connection
// (Relay).
//
// What it owns: the script and the count of calls per node; a relay's listener
// and connections.
//
// Invariants: a fault never makes a wrong answer. What a transport would notice
// as damage fails as Corrupt; a reply may be missing, late, out of order, cut
// short or asked for twice.
//
// Concurrency: a Network and a Relay may be used from any goroutine; a script
// is called from the caller's goroutine, one call at a time.
package faulty
