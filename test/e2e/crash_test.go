package e2e

import (
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// crashes are the signals after which Go's runtime ends with status 2, as after a
// panic.
var crashes = []syscall.Signal{syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGBUS}

// crash sends a role a signal, and returns when it runs again.
func crash(t *testing.T, cluster *harness.Cluster, name string, signal syscall.Signal) {
	t.Helper()
	before := cluster.Child(name).PID()
	cluster.Signal(t, name, signal)
	eventually.True(t, name+" runs again", func() bool { return cluster.Child(name).PID() != before })
}

// crashBeside crashes a role during answers of a process that does not need it.
func crashBeside(t *testing.T, cluster *harness.Cluster, name string, signal syscall.Signal, url string, want []harness.Answer) {
	t.Helper()
	var answers []harness.Answer
	ended := make(chan error, 1)
	go func() {
		var err error
		answers, err = harness.CompleteAll(t.Context(), url, harness.StreamTokens)
		ended <- err
	}()
	crash(t, cluster, name, signal)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	harness.Compare(t, name+" got the signal "+signal.String(), answers, want)
}

// TestACrashOfEachRoleStopsNoStreamOfOthers: the role runs again, and streams that do
// not need its process have the bytes of an undisturbed run.
func TestACrashOfEachRoleStopsNoStreamOfOthers(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Restart, c.Placement.Replicas = true, 2 })
	for i, signal := range crashes {
		node := []string{"expert-0", "expert-1", "expert-2"}[i]
		for _, name := range []string{node, "coordinator-0"} {
			cluster.DuringAnswers(t, func() { crash(t, cluster, name, signal) })
			eventually.True(t, "every copy is in place again after "+name+" got the signal "+signal.String(), func() bool {
				return cluster.PlacedOn(t, "expert-0", "expert-1", "expert-2")
			})
		}
	}
	second := freeport.Address(t)
	hachi.Start(t, append(cluster.Security(t, identity.Router, "router-1"), "router", "--id", "router-1", "--etcd", cluster.Endpoints()[0], "--model", hachi.Model,
		"--listen", second, "--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi")...)
	other := "http://" + second
	eventually.True(t, "the second router serves", func() bool { return harness.Serves(other) })
	want := harness.MustCompleteAll(t, other, harness.StreamTokens)
	for _, signal := range crashes {
		crashBeside(t, cluster, "router-0", signal, other, want)
		eventually.True(t, "the router serves", func() bool { return harness.Serves(cluster.URL()) })
	}
	harness.Compare(t, "at the router that crashed", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
}
