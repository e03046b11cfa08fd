package numa

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// preferMemory is MPOL_PREFERRED of set_mempolicy(2): memory of one node while it has
// some.
const preferMemory = 1

// Here are the memory nodes of this machine with the cores that this process may use, and
// whether it is bound to one of several.
func Here() (usable []Node, home Node, bound bool) {
	allowed, err := allowedCPUs()
	if err != nil {
		return nil, Node{}, false
	}
	all, err := Read(os.DirFS("/sys"))
	if err != nil {
		return nil, Node{}, false
	}
	home, bound = Home(all, allowed)
	return Usable(all, allowed), home, bound
}

func allowedCPUs() (out []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	for i := range len(set) * int(unsafe.Sizeof(set[0])) * 8 {
		if set.IsSet(i) {
			out = append(out, i)
		}
	}
	return out, nil
}

// Start starts a command on a node: a process has the cores and the memory policy of the
// thread that starts it.
func Start(cmd *exec.Cmd, on Node) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		started <- startHere(cmd, on)
	}()
	return <-started
}

// startHere binds this thread for good.
func startHere(cmd *exec.Cmd, on Node) error {
	var set unix.CPUSet
	for _, c := range on.CPUs {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("bind to the cores of memory node %d: %w", on.ID, err)
	}
	const word = int(unsafe.Sizeof(uint(0))) * 8
	mask := make([]uint, on.ID/word+1)
	mask[on.ID/word] = 1 << (on.ID % word)
	if _, _, errno := unix.Syscall(unix.SYS_SET_MEMPOLICY, preferMemory, uintptr(unsafe.Pointer(&mask[0])), uintptr(len(mask)*word+1)); errno != 0 {
		return fmt.Errorf("prefer the memory of memory node %d: %w", on.ID, errno)
	}
	return cmd.Start()
}
