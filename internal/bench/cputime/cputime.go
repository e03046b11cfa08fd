package cputime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ticks is how many of the kernel's units of CPU time a second has (USER_HZ).
const ticks = 100

// Of is the CPU time of a process, user and system, seconds.
func Of(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	// The name of the program is in parentheses and may have blanks.
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("CPU time: %q is not understood", raw)
	}
	sum := 0.0
	for _, field := range fields[11:13] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time: %w", err)
		}
		sum += n / ticks
	}
	return sum, nil
}
