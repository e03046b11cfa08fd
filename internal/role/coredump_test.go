package role

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestACrashLeavesNoFileOfMemory(t *testing.T) {
	limit := func() (l unix.Rlimit) {
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := limit()
	if err := (ClusterConfig{InProcess: &InProcess{}}).forbidCoreDumps(); err != nil || limit() != before {
		t.Errorf("inside an importer's process: %v, %v became %v", err, before, limit())
	}
	if err := (ClusterConfig{}).forbidCoreDumps(); err != nil || limit() != (unix.Rlimit{}) {
		t.Errorf("%v, %v", err, limit())
	}
}
