package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// startProcess runs the program until the test ends.
func startProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runEnv+"=1", "GOMAXPROCS=2")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // unless it has ended
		_ = cmd.Wait()
		if said, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%v said:\n%s", args, said)
		}
	})
	return cmd
}

// eventually asks until the answer is yes, for longer than any wait of the
// protocol takes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	const within = 2 * time.Minute
	for end := time.Now().Add(within); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// records opens the records of the cluster that `hachi up` makes.
func records(t *testing.T, endpoints []string) *registry.Registry {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	client, err := etcdstore.Dial(endpoints, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return registry.New(client, registry.Prefix(registry.DefaultCluster), registry.Options{TTL: registry.DefaultTTL, Logger: logger})
}

// TestRolesStartInAnyOrder: every role waits for etcd and for the others.
func TestRolesStartInAnyOrder(t *testing.T) {
	want := mustCompleteAll(t, startCluster(t, nil).URL(), 8)
	store, http := freeAddress(t), freeAddress(t)
	shared := func(role, id string, more ...string) []string {
		return append([]string{role, "--id", id, "--etcd", store, "--gossip-label", store}, more...)
	}
	startProcess(t, shared("router", "router-0", "--model", tinyDir, "--listen", http, "--grpc", "127.0.0.1:0", "--kv-bytes", "67108864")...)
	startProcess(t, shared("expertnode", "expert-0", "--model", tinyDir, "--listen", "127.0.0.1:0")...)
	time.Sleep(2 * time.Second) // long enough to fail, if they did not wait
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd"), ClientAddr: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	startProcess(t, shared("expertnode", "expert-1", "--model", tinyDir, "--listen", "127.0.0.1:0")...)
	startProcess(t, shared("coordinator", "coordinator-0", "--listen", "127.0.0.1:0", "--expect-nodes", "2")...)
	eventually(t, "the router serves", func() bool { return serves("http://" + http) })
	compareAnswers(t, "started in another order", mustCompleteAll(t, "http://"+http, 8), want)
}

func TestDeadChildrenAreStartedAgain(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.Restart = true })
	want := mustCompleteAll(t, cluster.URL(), 8)
	for _, name := range []string{"expert-1", "coordinator-0", "router-0"} {
		before := cluster.Child(name).PID()
		kill(t, cluster, name)
		eventually(t, name+" runs again", func() bool { return cluster.Child(name).PID() != before })
		eventually(t, "the cluster serves", func() bool { return serves(cluster.URL()) })
		compareAnswers(t, "after "+name+" was killed", mustCompleteAll(t, cluster.URL(), 8), want)
	}
	select {
	case err := <-cluster.Failed():
		t.Errorf("given up: %v", err)
	default:
	}
}

// TestStandbyCoordinatorTakesOver: serving is untouched, and the standby leads
// when the lease of the dead one ends, and places.
func TestStandbyCoordinatorTakesOver(t *testing.T) {
	const ttl = 2 * shortTTL // a node that is lost for want of time would move
	cluster := startCluster(t, func(c *local.UpConfig) { c.TTL = ttl })
	reg := records(t, cluster.Endpoints())
	startProcess(t, "coordinator", "--id", "coordinator-1", "--etcd", cluster.Endpoints()[0], "--listen", "127.0.0.1:0",
		"--expect-nodes", "3", "--lease-ttl", ttl.String())
	leader := func() string {
		all, err := reg.Coordinators(t.Context())
		if err != nil || len(all) == 0 {
			return ""
		}
		return all[0].GetCoordinatorId()
	}
	eventually(t, "there is a standby", func() bool { return len(mustView(t, cluster).Coordinators) == 2 })
	before := mustView(t, cluster)
	midStream(t, cluster, func() {
		kill(t, cluster, "coordinator-0")
		eventually(t, "the standby leads", func() bool { return leader() == "coordinator-1" })
	})
	if after := mustView(t, cluster); after.Revision != before.Revision {
		t.Errorf("the placement moved from epoch %d to %d", before.Placement.Epoch(), after.Placement.Epoch())
	}
	midStream(t, cluster, func() { kill(t, cluster, "expert-2") })
}

// TestKilledRouterTakesOnlyItsOwnStreams: two routers share the expert nodes.
// The streams of the one that dies are cut without an end, so that no client
// takes half an answer for a whole one; the other's go on.
func TestKilledRouterTakesOnlyItsOwnStreams(t *testing.T) {
	cluster := startCluster(t, nil)
	second := freeAddress(t)
	startProcess(t, "router", "--id", "router-1", "--etcd", cluster.Endpoints()[0], "--model", tinyDir, "--listen", second,
		"--grpc", "127.0.0.1:0", "--kv-bytes", "67108864")
	eventually(t, "the second router serves", func() bool { return serves("http://" + second) })
	want := mustCompleteAll(t, "http://"+second, streamTokens)
	body := `{"model":"tiny","prompt":"a","max_tokens":20000,"ignore_eos":true,"stream":true}`
	resp, err := http.Post(cluster.URL()+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	if line, err := events.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
		t.Fatalf("the stream begins with %q, %v", line, err)
	}
	kill(t, cluster, "router-0")
	compareAnswers(t, "at the other router", mustCompleteAll(t, "http://"+second, streamTokens), want)
	rest, err := io.ReadAll(events)
	if err == nil || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream of the dead router ended well (%v) after %d bytes", err, len(rest))
	}
}

// TestInterruptStopsEverythingAndEtcdLast: the records are taken back, which
// needs an etcd that still runs when the roles stop.
func TestInterruptStopsEverythingAndEtcdLast(t *testing.T) {
	dir, listen := t.TempDir(), freeAddress(t)
	up := startProcess(t, "up", "--model", tinyDir, "--nodes", "2", "--listen", listen, "--data-dir", dir, "--lease-ttl", "1h")
	said := func() string {
		raw, err := os.ReadFile(up.Stdout.(*os.File).Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, want := range []string{"32 of 32 experts loaded", "placement: nodes per expert", "serving tiny at http://" + listen} {
		eventually(t, "it says "+want, func() bool { return strings.Contains(said(), want) })
	}
	if !serves("http://" + listen) {
		t.Error("it says that it serves, and does not")
	}
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := up.Wait(); err != nil {
		t.Errorf("an interrupt ends it with %v", err)
	}
	if left := processesWith(t, dir, listen); len(left) > 0 {
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
	view, err := status.ReadView(t.Context(), server.Endpoints(), registry.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	if len(view.Nodes)+len(view.Routers)+len(view.Coordinators) > 0 || view.Placement == nil {
		t.Errorf("left in etcd: %d nodes, %d routers, %d coordinators, placement %v",
			len(view.Nodes), len(view.Routers), len(view.Coordinators), view.Placement)
	}
}

// TestRecordsOfAnOldRunAreCleared: nothing of them is waited for or served.
func TestRecordsOfAnOldRunAreCleared(t *testing.T) {
	dir := t.TempDir()
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(dir, "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	reg := records(t, server.Endpoints())
	stale := reg.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "expert-7", Addr: "127.0.0.1:1", Fingerprint: "f", ExpertsPerLayer: []uint32{1}})
	eventually(t, "the stale record is there", func() bool {
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
	cluster := startCluster(t, func(c *local.UpConfig) { c.Nodes, c.DataDir = 1, dir })
	view := mustView(t, cluster)
	if len(view.Nodes) != 1 || view.Nodes[0].GetNodeId() != "expert-0" || view.Placement.Epoch() != 1 {
		t.Errorf("nodes %v at epoch %d", view.Nodes, view.Placement.Epoch())
	}
	mustCompleteAll(t, cluster.URL(), 4)
}

func TestALockedDataDirIsAnImmediateError(t *testing.T) {
	var dir string
	startCluster(t, func(c *local.UpConfig) { c.Nodes, dir = 1, c.DataDir })
	status, said := runRole(t, "up", "--model", tinyDir, "--listen", freeAddress(t), "--data-dir", dir)
	if status != local.Permanent {
		t.Errorf("exit status %d, said %q", status, said)
	}
}

// TestARoleThatCannotRunEndsUp: waiting for it would be waiting for ever, with
// and without restarts.
func TestARoleThatCannotRunEndsUp(t *testing.T) {
	empty := t.TempDir()
	for _, more := range [][]string{nil, {"--no-restart"}} {
		args := append([]string{"up", "--model", empty, "--listen", freeAddress(t), "--data-dir", t.TempDir()}, more...)
		if status, said := runRole(t, args...); status == 0 {
			t.Errorf("up %v: exit status %d, said %q", more, status, said)
		}
	}
}

func TestSignalledRolesEndCleanly(t *testing.T) {
	for _, args := range [][]string{
		{"coordinator", "--id", "a", "--listen", "127.0.0.1:0"},
		{"expertnode", "--id", "a", "--listen", "127.0.0.1:0", "--model", tinyDir},
		{"router", "--id", "a", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--model", tinyDir, "--kv-bytes", "67108864"},
	} {
		store, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if err := store.(*net.TCPListener).SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		cmd := startProcess(t, append(args, "--etcd", store.Addr().String())...)
		looking, err := store.Accept()
		if err != nil {
			t.Fatalf("%s does not look for etcd: %v", args[0], err)
		}
		looking.Close()
		store.Close() // nobody is there: it waits
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}
