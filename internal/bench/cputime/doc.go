// Package cputime reads how long processes and their threads have been on the machine's
// cores, and how long threads have waited for one.
//
// What it owns: nothing.
//
// Concurrency: safe.
//
// References: proc(5), /proc/pid/stat; Linux, Documentation/scheduler/sched-stats.rst,
// /proc/pid/schedstat.
package cputime
