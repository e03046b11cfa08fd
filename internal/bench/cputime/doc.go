// Package cputime reads how long processes have been on the machine's cores.
//
// What it owns: nothing.
//
// Concurrency: safe.
//
// References: proc(5), /proc/pid/stat.
package cputime
