package main

import (
	"runtime"

	"github.com/hachi-serve/hachi/internal/role"
)

// connectionProcessors is how many goroutines of connections run beside the threads that
// compute: one that reads and one that writes.
const connectionProcessors = 2

// keepConnectionsMoving lets goroutines run while every thread computes. A thread that
// computes keeps its processor of the Go scheduler for 10 ms and more, and a message
// passes two goroutines on its way out: with a processor for each thread only, a token
// waits for them, though the kernel would give their threads a core at once.
func keepConnectionsMoving(m *role.ModelConfig) {
	cores := runtime.GOMAXPROCS(0)
	m.Cores = cores
	if m.Threads == 0 {
		m.Threads = cores
	}
	runtime.GOMAXPROCS(processors(cores, m.Threads))
}

// processors is how many of them the Go scheduler gets. More threads than cores share
// these by themselves: then it is the cores.
func processors(cores, threads int) int {
	if threads > cores {
		return cores
	}
	return max(cores, threads+connectionProcessors)
}
