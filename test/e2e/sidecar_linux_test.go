package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/sidecartest"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/mini"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// helperCommand is the helper of HACHI_TEST_SIDECAR (make sidecar-check), or else this
// test binary.
func helperCommand(t *testing.T) string {
	t.Helper()
	if c := os.Getenv("HACHI_TEST_SIDECAR"); c != "" {
		return c
	}
	own, err := sidecartest.Command()
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// helperOf is the process that computes the experts of a node; 0 while there is none.
func helperOf(t *testing.T, cluster *harness.Cluster, node string) int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cluster.Child(node).PID()))
	if err != nil || len(lists) == 0 {
		t.Fatalf("children of %s: %v", node, err)
	}
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended meanwhile
		}
		if fields := strings.Fields(string(raw)); len(fields) > 0 {
			pid, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

// killHelper kills the helper of a node, and returns its number.
func killHelper(t *testing.T, cluster *harness.Cluster, node string) (pid int) {
	t.Helper()
	eventually.True(t, "a helper of "+node+" runs", func() bool { pid = helperOf(t, cluster, node); return pid != 0 })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	return pid
}

// TestKilledHelper serves hachi-mini from two nodes with helpers, one of which is killed
// in the middle of answers, and then the other: each comes back.
func TestKilledHelper(t *testing.T) {
	harness.Slow(t)
	model := filepath.Join(t.TempDir(), "tiny") // the name that requests carry
	if err := mini.Write(model); err != nil {
		t.Fatal(err)
	}
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Placement.Replicas, c.Model.Dir = 2, 2, model
		c.Model.Backend, c.Model.Sidecar = "sidecar", helperCommand(t)
	})
	for _, node := range []string{"expert-1", "expert-0"} {
		var killed int
		cluster.DuringAnswers(t, func() { killed = killHelper(t, cluster, node) })
		eventually.True(t, "another helper of "+node+" runs", func() bool {
			now := helperOf(t, cluster, node)
			return now != 0 && now != killed
		})
	}
	if cluster.Node(t, "expert-0") == nil || cluster.Node(t, "expert-1") == nil {
		t.Error("a node has left with its helper")
	}
}
