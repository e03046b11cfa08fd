// Package enginetest is an engine that follows a script, for tests of what
// stands on an engine: net/http/httptest's part for the engine.
//
// What it owns: the streams it made.
//
// Invariants: events have the order and the fields of a real engine's. A
// request whose context ends gets that as its last event.
//
// Concurrency: safe.
package enginetest
