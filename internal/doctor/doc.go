// Package doctor judges a cluster, a configuration and a machine by facts that were
// gathered, and says what to do about each fault.
//
// What it owns: the facts, the checks and the report. A check is a pure function of the
// facts; gather.go and the files beside it ask processes, etcd and the machine.
//
// Invariants: a check whose facts are missing finds nothing. A healthy cluster has no
// finding but notes. Gathering changes nothing: it reads records, asks for health, and
// opens listeners that it closes again.
//
// Concurrency: checks may run on any goroutine. Gather asks all processes at once.
package doctor
