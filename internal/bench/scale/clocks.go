package scale

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/local"
)

// clocks are the CPU times of processes, seconds.
type clocks struct {
	cell.CPU
	at time.Time
}

// clocksOf reads the clocks of a cluster and of this process.
func clocksOf(c *local.Cluster, nodes int) (out clocks, err error) {
	out.at = time.Now()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return out, err
	}
	out.Client = time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	if out.Router, err = cpuOf(c, "router-0"); err != nil {
		return out, err
	}
	if out.Other, err = cpuOf(c, "coordinator-0"); err != nil {
		return out, err
	}
	for i := range nodes {
		one, err := cpuOf(c, fmt.Sprint("expert-", i))
		if err != nil {
			return out, err
		}
		out.Nodes += one
	}
	return out, nil
}

// since is how many cores each had on average.
func (c clocks) since(before clocks) cell.CPU {
	seconds := c.at.Sub(before.at).Seconds()
	return cell.CPU{
		Router: (c.Router - before.Router) / seconds, Nodes: max(0, c.Nodes-before.Nodes) / seconds,
		Client: (c.Client - before.Client) / seconds, Other: (c.Other - before.Other) / seconds,
	}
}

// ticks is how many of the kernel's units of CPU time a second has (USER_HZ).
const ticks = 100

// cpuOf is the CPU time of a process, seconds (proc(5), utime and stime).
func cpuOf(c *local.Cluster, name string) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Child(name).PID()))
	if err != nil {
		return 0, fmt.Errorf("CPU time of %s: %w", name, err)
	}
	// The name of the program is in parentheses and may have blanks.
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("CPU time of %s: %q is not understood", name, raw)
	}
	sum := 0.0
	for _, field := range fields[11:13] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time of %s: %w", name, err)
		}
		sum += n / ticks
	}
	return sum, nil
}
