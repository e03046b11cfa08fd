package scale

import (
	"fmt"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/cputime"
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

// cpuOf is the CPU time of a process, seconds.
func cpuOf(c *local.Cluster, name string) (float64, error) {
	s, err := cputime.Of(c.Child(name).PID())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}
