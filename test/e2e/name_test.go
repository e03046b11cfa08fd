package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// externalEtcd is the address of an etcd that runs until the test ends.
func externalEtcd(t *testing.T) string {
	t.Helper()
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Endpoints()[0]
}

// TestTwoUpsOnOneEtcdAreTwoClusters: neither moves an expert of the other.
func TestTwoUpsOnOneEtcdAreTwoClusters(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	store := externalEtcd(t)
	start := func() *harness.Cluster {
		return hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, c.Etcd = 2, []string{store} })
	}
	first, second := start(), start()
	if first.Name() == second.Name() {
		t.Fatalf("both clusters are called %s", first.Name())
	}
	harness.Compare(t, "the other cluster", harness.MustCompleteAll(t, second.URL(), 4), harness.MustCompleteAll(t, first.URL(), 4))
	for _, c := range []*harness.Cluster{first, second} {
		view := c.View(t)
		if len(view.Nodes) != 2 || len(view.Routers) != 1 || view.Placement.Epoch() != 1 {
			t.Errorf("cluster %s: %d nodes, %d routers, epoch %d", c.Name(), len(view.Nodes), len(view.Routers), view.Placement.Epoch())
		}
		if code, said := hachi.Run(t, "status", "--etcd", store, "--cluster", c.Name()); code != 0 || !strings.Contains(said, "epoch 1") {
			t.Errorf("status of %s: %d, %s", c.Name(), code, said)
		}
	}
	code, said := hachi.Run(t, "status", "--etcd", store)
	if code != 1 || !strings.Contains(said, "--cluster "+first.Name()) || !strings.Contains(said, "--cluster "+second.Name()) {
		t.Errorf("status without a name: %d, %s", code, said)
	}
	code, said = hachi.Run(t, "up", "--etcd", store, "--cluster", first.Name(), "--model", hachi.Model, "--listen", freeport.Address(t), "--data-dir", t.TempDir())
	if code != local.ExitConfigError || !strings.Contains(said, "cluster (--cluster): \""+first.Name()+"\" is in use") {
		t.Errorf("a third with the name of the first: %d, %s", code, said)
	}
}

// TestANameInUseIsRefused: a second process of a name ends at once, whatever its
// gossip label, and the first is not disturbed.
func TestANameInUseIsRefused(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, nil)
	before := cluster.View(t)
	for _, args := range [][]string{
		{"expertnode", "--id", "expert-1", "--model", hachi.Model, "--listen", "127.0.0.1:0"},
		{"expertnode", "--id", "expert-1", "--model", hachi.Model, "--listen", "127.0.0.1:0", "--gossip-label", "another"},
		{"router", "--id", "router-0", "--model", hachi.Model, "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi"},
		{"coordinator", "--id", "coordinator-0", "--listen", "127.0.0.1:0"},
	} {
		as := map[string]identity.Role{"expertnode": identity.Expert, "router": identity.Router, "coordinator": identity.Coordinator}[args[0]]
		code, said := hachi.Run(t, slices.Concat(args, []string{"--etcd", cluster.Endpoints()[0]}, cluster.Security(t, as, args[2]))...)
		if code != local.ExitConfigError || !strings.Contains(said, "the name "+args[2]+" is in use") || strings.Count(said, "\n") != 1 {
			t.Errorf("%v: %d, %q", args, code, said)
		}
	}
	after := cluster.View(t)
	if after.Revision != before.Revision || len(after.Nodes) != 3 || cluster.Node(t, "expert-1").GetAddr() == "" {
		t.Errorf("the placement moved from revision %d to %d, %d nodes", before.Revision, after.Revision, len(after.Nodes))
	}
}

// TestAKilledProcessGetsItsNameBack at once: a lease of an hour would keep it.
func TestAKilledProcessGetsItsNameBack(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	store := externalEtcd(t)
	start := func() *harness.Process {
		return hachi.Start(t, "expertnode", "--id", "expert-0", "--model", hachi.Model, "--listen", "127.0.0.1:0", "--etcd", store, "--lease-ttl", "1h")
	}
	addr := func() string {
		view, err := status.ReadView(t.Context(), status.Where{Etcd: []string{store}, Cluster: "hachi"})
		if err != nil {
			t.Fatal(err)
		}
		if len(view.Nodes) == 0 {
			return ""
		}
		return view.Nodes[0].GetAddr()
	}
	first := start()
	eventually.True(t, "the node is registered", func() bool { return addr() != "" })
	before := addr()
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	start() // while the first is a zombie
	eventually.True(t, "the second is registered", func() bool { return addr() != before })
}
