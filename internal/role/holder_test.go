package role

import (
	"os/exec"
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

func TestWhichHolderHasEnded(t *testing.T) {
	mine := Holder("10.0.0.1:7946")
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	running, later, elsewhere, moved, loopback := mine, mine, mine, mine, mine
	running.PID, running.Ticks = child.Process.Pid, ""
	later.Ticks = "1" // a process that started with the machine
	elsewhere.Machine, elsewhere.Gossip = "another", "10.0.0.2:7946"
	moved.Machine = "another" // the container before this one, at this address
	loopback.Machine, loopback.Gossip = "another", "127.0.0.1:7946"
	self := mine
	self.Gossip = loopback.Gossip
	judge := func(what string, by, of registry.Holder, ended, known bool) {
		t.Helper()
		if e, k := HasEnded(by)(of); e != ended || k != known {
			t.Errorf("%s: ended %v, known %v; want %v, %v", what, e, k, ended, known)
		}
	}
	judge("this process", mine, mine, false, true)
	judge("a child", mine, running, false, true)
	judge("another process with this PID", mine, later, mine.Ticks != "", true)
	judge("a process elsewhere", mine, elsewhere, false, false)
	judge("a process that had this address", mine, moved, true, true)
	judge("a process elsewhere on its loopback", self, loopback, false, false)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for state := ""; state != "Z"; { // until the kernel has ended it; its parent has not waited
		var ok bool
		if state, _, ok = processState(running.PID); !ok {
			break // no /proc
		}
	}
	_ = child.Wait()
	judge("a child that was killed", mine, running, true, true)
}
