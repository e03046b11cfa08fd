// Package freeport finds addresses for processes of tests that must know their port
// before they listen.
//
// Systems give the ports from about 32768 on to connections and to listeners on port 0:
// such a port, closed and kept for later, is taken by any of them meanwhile. Those that
// this package gives lie below; only another process that chooses at random as well takes
// one, of 20,000.
//
// A test that can listen itself does so, on port 0.
//
// Concurrency: any goroutine.
package freeport
