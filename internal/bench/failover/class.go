package failover

import (
	"os"
	"strconv"
	"strings"
)

// realTime reports whether this process runs in a class of real time of the scheduler, and
// so its children: SCHED_FIFO or SCHED_RR of Linux.
func realTime() bool {
	raw, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return false // only Linux has such a file
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	const policy = 41 - 3 // the third field of proc(5) is the first of these
	if len(fields) <= policy {
		return false
	}
	class, err := strconv.Atoi(fields[policy])
	return err == nil && (class == 1 || class == 2)
}
