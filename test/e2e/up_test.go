package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

func TestTwoClustersSideBySideAndOneDataDir(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	first := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes = 1 })
	var dir string
	second := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, dir = 1, c.DataDir })
	a, b := harness.MustCompleteAll(t, first.URL(), 4), harness.MustCompleteAll(t, second.URL(), 4)
	harness.Compare(t, "the other cluster", b, a)
	cfg := local.DefaultUp()
	cfg.Model.Dir, cfg.DataDir, cfg.Listen, cfg.Binary = hachi.Model, dir, freeport.Address(t), hachi.Binary
	if _, err := local.Up(t.Context(), cfg); !errors.Is(err, local.ErrLocked) {
		t.Errorf("a second cluster on one data directory: %v", err)
	}
}

func TestKilledParentLeavesNoProcess(t *testing.T) {
	t.Parallel()
	dir, listen := t.TempDir(), freeport.Address(t)
	cmd := hachi.Start(t, "up", "--model", hachi.Model, "--nodes", "2", "--listen", listen, "--data-dir", dir)
	eventually.True(t, "the cluster serves", func() bool { return harness.Serves("http://" + listen) })
	if n := len(harness.ProcessesWith(t, dir, listen)); n == 0 {
		t.Fatal("no child was found: the test proves nothing")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually.True(t, "no process is left", func() bool { return len(harness.ProcessesWith(t, dir, listen)) == 0 })
}

func TestDeadChildIsRestarted(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Restart = true })
	want := harness.MustCompleteAll(t, cluster.URL(), 8)
	// Go's runtime ends with status 2 after the last three.
	crashes := []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGBUS}
	for i, name := range []string{"expert-1", "coordinator-0", "router-0", "expert-0"} {
		before := cluster.Child(name).PID()
		cluster.Signal(t, name, crashes[i])
		eventually.True(t, name+" runs again", func() bool { return cluster.Child(name).PID() != before })
		eventually.True(t, "the cluster serves", func() bool { return harness.Serves(cluster.URL()) })
		harness.Compare(t, "after "+name+" got the signal "+crashes[i].String(), harness.MustCompleteAll(t, cluster.URL(), 8), want)
	}
	select {
	case err := <-cluster.Failed():
		t.Errorf("given up: %v", err)
	default:
	}
}

// TestInterruptStopsEverythingAndEtcdLast: the roles remove their records, which
// needs an etcd that still runs when the roles stop.
func TestInterruptStopsEverythingAndEtcdLast(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	dir, listen := t.TempDir(), freeport.Address(t)
	up := hachi.Start(t, "up", "--model", hachi.Model, "--nodes", "2", "--listen", listen, "--data-dir", dir, "--lease-ttl", "1h")
	for _, want := range []string{"32 of 32 experts loaded", "placement: nodes per expert", "serving tiny at http://" + listen} {
		eventually.True(t, "the output contains "+want, func() bool { return strings.Contains(up.Output(t), want) })
	}
	if !harness.Serves("http://" + listen) {
		t.Error("the output says that the cluster serves, and it does not")
	}
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := up.Wait(); err != nil {
		t.Errorf("an interrupt ends it with %v", err)
	}
	if left := harness.ProcessesWith(t, dir, listen); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := local.ReadRunFile(dir); err == nil {
		t.Error("the run file is left")
	}
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(dir, "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	operator, err := identity.Open(filepath.Join(dir, "certs", "operator"), nil)
	if err != nil {
		t.Fatal(err)
	}
	view, err := status.ReadView(t.Context(), status.Where{Etcd: server.Endpoints(), Cluster: registry.DefaultCluster, By: operator})
	if err != nil {
		t.Fatal(err)
	}
	if len(view.Nodes)+len(view.Routers)+len(view.Coordinators) > 0 || view.Placement == nil {
		t.Errorf("left in etcd: %d nodes, %d routers, %d coordinators, placement %v",
			len(view.Nodes), len(view.Routers), len(view.Coordinators), view.Placement)
	}
}

// TestRecordsOfAnOldRunAreCleared: a cluster neither waits for nodes of an
// earlier run nor serves from them.
func TestRecordsOfAnOldRunAreCleared(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	dir := t.TempDir()
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(dir, "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	reg := harness.Registry(t, status.Where{Etcd: server.Endpoints(), Cluster: registry.DefaultCluster})
	stale := reg.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "expert-7", Addr: "127.0.0.1:1", Fingerprint: "f", ExpertsPerLayer: []uint32{1}})
	eventually.True(t, "the stale record is there", func() bool {
		nodes, err := reg.Nodes(t.Context())
		return err == nil && len(nodes) == 1
	})
	if err := reg.Drain(t.Context(), moe.NodeID("expert-0"), 1); err != nil {
		t.Fatal(err)
	}
	server.Close() // with the record in it
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = stale.Close(ended) // it cannot be taken back
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, c.DataDir = 1, dir })
	view := cluster.View(t)
	if len(view.Nodes) != 1 || view.Nodes[0].GetNodeId() != "expert-0" || view.Placement.Epoch() != 1 {
		t.Errorf("nodes %v at epoch %d", view.Nodes, view.Placement.Epoch())
	}
	harness.MustCompleteAll(t, cluster.URL(), 4)
}

func TestLockedDataDirIsAnImmediateError(t *testing.T) {
	t.Parallel()
	var dir string
	hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, dir = 1, c.DataDir })
	status, output := hachi.Run(t, "up", "--model", hachi.Model, "--listen", freeport.Address(t), "--data-dir", dir)
	if status != local.ExitConfigError {
		t.Errorf("exit status %d, output %q", status, output)
	}
}

// TestUpEndsWhenARoleCannotRun: otherwise `hachi up` would wait without end, with
// and without restarts.
func TestUpEndsWhenARoleCannotRun(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, more := range [][]string{nil, {"--restart=false"}} {
		args := append([]string{"up", "--model", empty, "--listen", freeport.Address(t), "--data-dir", t.TempDir()}, more...)
		if status, output := hachi.Run(t, args...); status == 0 {
			t.Errorf("up %v: exit status %d, output %q", more, status, output)
		}
	}
}

// TestNothingIsLoggedWhenNothingIsWrong: a cluster that serves and is stopped
// logs nothing.
func TestNothingIsLoggedWhenNothingIsWrong(t *testing.T) {
	harness.Slow(t)
	const ttl = 3 * harness.ShortTTL
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.TTL, dir = ttl, c.DataDir })
	harness.MustCompleteAll(t, cluster.URL(), 4)
	time.Sleep(ttl) // every role renews its lease several times
	harness.MustCompleteAll(t, cluster.URL(), 4)
	cluster.Close(t.Context())
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	if err != nil || len(logs) < 5 {
		t.Fatalf("logs %v: %v", logs, err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 {
			t.Errorf("%s:\n%s", filepath.Base(path), text)
		}
	}
}

// TestOldLogsAreNotQuoted: what ends a run is said once, and nothing of the run
// before.
func TestOldLogsAreNotQuoted(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	dir, listen := t.TempDir(), freeport.Address(t)
	for _, name := range []string{"one", "two"} {
		model := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(model, os.DirFS(hachi.Model)); err != nil {
			t.Fatal(err)
		}
		damageNorm(t, filepath.Join(model, "model.safetensors"))
		status, said := hachi.Run(t, "up", "--nodes", "1", "--listen", listen, "--data-dir", dir, "--model", model)
		if status != local.ExitConfigError || strings.Count(said, model) != 1 || strings.Count(said, "hachi: router-0: ") != 1 || strings.Contains(said, "/one") == (name == "two") {
			t.Errorf("run %s: status %d, said\n%s", name, status, said)
		}
	}
}

// damageNorm makes the first element of a norm NaN, which only a router finds, when it starts.
func damageNorm(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := 8 + int(binary.LittleEndian.Uint64(data))
	var tensors map[string]struct {
		Offsets []int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:header], &tensors); err != nil || len(tensors["model.norm.weight"].Offsets) == 0 {
		t.Fatal(err, tensors)
	}
	binary.LittleEndian.PutUint32(data[header+tensors["model.norm.weight"].Offsets[0]:], math.Float32bits(float32(math.NaN())))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
