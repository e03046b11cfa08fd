package role

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/version"
)

// Holder describes this process as the holder of a name. gossip is the address of
// its gossip listener; empty if it has none.
func Holder(gossip string) registry.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	_, ticks, _ := processState(os.Getpid()) // without /proc there are none
	return registry.Holder{
		Run: rand.Text(), Host: host, PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second),
		Machine: machine(host), Ticks: ticks, Gossip: gossip, Version: version.Short(),
	}
}

// HasEnded returns a judge of other holders, by what this machine knows: whether a
// process of this machine runs, and that an address on which this process listens
// is no longer another's. The judge knows nothing of processes elsewhere.
func HasEnded(mine registry.Holder) func(registry.Holder) (ended, known bool) {
	return func(other registry.Holder) (ended, known bool) {
		if other.Machine == mine.Machine {
			return !runs(other), true
		}
		host, _, err := net.SplitHostPort(other.Gossip)
		if ip := net.ParseIP(host); err == nil && other.Gossip == mine.Gossip && !ip.IsLoopback() {
			return true, true
		}
		return false, false
	}
}

// runs reports whether a holder on this machine still runs.
func runs(h registry.Holder) bool {
	state, ticks, ok := processState(h.PID)
	if !ok { // no such process, or no /proc
		err := unix.Kill(h.PID, 0)
		return err == nil || errors.Is(err, unix.EPERM)
	}
	return state != "Z" && state != "X" && (h.Ticks == "" || ticks == h.Ticks)
}

// processState reads the state of a process and the time of its start, in clock
// ticks since the start of the system (proc_pid_stat(5), fields 3 and 22).
func processState(pid int) (state, ticks string, ok bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", false
	}
	// The name of the program, in parentheses, may hold spaces and parentheses.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return "", "", false
	}
	return fields[0], fields[19], true
}

// machine names what gives a PID its meaning: a run of a kernel and a PID
// namespace; the host where the system tells neither.
func machine(host string) string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return host
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return host
	}
	return cmp.Or(strings.TrimSpace(string(boot)), host) + " " + namespace
}
