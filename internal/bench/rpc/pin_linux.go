package rpc

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// allowed are the cores this process may run on.
func allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("the cores of this process: %w", err)
	}
	var out []int
	for core := range 8 * len(set) * 8 {
		if set.IsSet(core) {
			out = append(out, core)
		}
	}
	return out, nil
}

func setOf(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	return &set
}

// moveTo moves every thread of this process to some cores, and with them the
// threads that they will start. Threads that appear meanwhile are found when the
// list is read again.
func moveTo(cores []int) error {
	set, moved := setOf(cores), map[string]bool{}
	for before := -1; before < len(moved); {
		before = len(moved)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("move a thread to cores %v: %w", cores, err)
			}
			moved[thread.Name()] = true
		}
	}
	return nil
}

// startOn starts a process on some cores: it inherits those of the thread that
// starts it, and counts them when it decides how many threads to run.
func startOn(cores []int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, setOf(cores)); err != nil {
		return fmt.Errorf("start on cores %v: %w", cores, err)
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &own); back != nil && err == nil {
		err = back
	}
	return err
}

// lowestClass lets this process run when nothing else wants to.
func lowestClass() error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("scheduling class idle: %w", err)
	}
	return nil
}
