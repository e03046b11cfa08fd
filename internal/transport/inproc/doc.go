// Package inproc carries expert calls inside one process.
//
// What it owns: which replica is which handler. It copies bytes both ways:
// neither side may keep the other's memory, so that a test sees what a network
// would do.
//
// Concurrency: a Network may be used from any goroutine.
package inproc
