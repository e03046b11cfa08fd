package cputime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Use is what a thread had of the cores, since it began or between two readings.
type Use struct {
	Ran    time.Duration // on a core
	Waited time.Duration // ready to run and without a core, the time to wake a core included
	Stays  int64         // how often it came to a core
}

// Minus is the use since an earlier reading.
func (u Use) Minus(before Use) Use {
	return Use{u.Ran - before.Ran, u.Waited - before.Waited, u.Stays - before.Stays}
}

// Threads is the use of each thread of a process, by the thread's id. A thread that ends
// meanwhile is left out.
func Threads(pid int) (map[int]Use, error) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("threads: %w", err)
	}
	out := map[int]Use{}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, fmt.Errorf("threads of %s: %w", dir, err)
		}
		raw, err := os.ReadFile(dir + "/" + e.Name() + "/schedstat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("threads: %w", err)
		}
		if out[id], err = parseUse(string(raw)); err != nil {
			return nil, fmt.Errorf("thread %d: %w", id, err)
		}
	}
	return out, nil
}

// parseUse reads a line of schedstat: nanoseconds on a core, nanoseconds ready without one,
// and a count.
func parseUse(line string) (Use, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return Use{}, fmt.Errorf("%q has %d fields, want 3", line, len(fields))
	}
	var n [3]int64
	for i, field := range fields {
		var err error
		if n[i], err = strconv.ParseInt(field, 10, 64); err != nil || n[i] < 0 {
			return Use{}, fmt.Errorf("%q: want three numbers from 0 to %d", line, int64(1<<63-1))
		}
	}
	return Use{time.Duration(n[0]), time.Duration(n[1]), n[2]}, nil
}
