package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestRolesStartInAnyOrder: every role waits for etcd and for the others.
func TestRolesStartInAnyOrder(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	want := harness.MustCompleteAll(t, hachi.Cluster(t, nil).URL(), 8)
	store, http := freeport.Address(t), freeport.Address(t)
	shared := func(role, id string, more ...string) []string {
		return append([]string{role, "--id", id, "--etcd", store, "--gossip-label", store}, more...)
	}
	awaitDials(t, store,
		shared("router", "router-0", "--model", hachi.Model, "--listen", http, "--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi"),
		shared("expertnode", "expert-0", "--model", hachi.Model, "--listen", "127.0.0.1:0"))
	server, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd"), ClientAddr: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	hachi.Start(t, shared("expertnode", "expert-1", "--model", hachi.Model, "--listen", "127.0.0.1:0")...)
	hachi.Start(t, shared("coordinator", "coordinator-0", "--listen", "127.0.0.1:0", "--expect-nodes", "2")...)
	eventually.True(t, "the router serves", func() bool { return harness.Serves("http://" + http) })
	harness.Compare(t, "started in another order", harness.MustCompleteAll(t, "http://"+http, 8), want)
}

// TestStandbyCoordinatorTakesOver: serving is untouched. The standby leads when
// the lease of the dead leader ends, and it places experts.
func TestStandbyCoordinatorTakesOver(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const ttl = 2 * harness.ShortTTL // a node that is lost for want of time would move
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.TTL = ttl })
	where, err := cluster.Where()
	if err != nil {
		t.Fatal(err)
	}
	reg := harness.Registry(t, where)
	hachi.Start(t, append(cluster.Security(t, identity.Coordinator, "coordinator-1"), "coordinator", "--id", "coordinator-1", "--etcd", cluster.Endpoints()[0], "--listen", "127.0.0.1:0",
		"--expect-nodes", "3", "--lease-ttl", ttl.String())...)
	leader := func() string {
		all, err := reg.Coordinators(t.Context())
		if err != nil || len(all) == 0 {
			return ""
		}
		return all[0].GetCoordinatorId()
	}
	eventually.True(t, "there is a standby", func() bool { return len(cluster.View(t).Coordinators) == 2 })
	before := cluster.View(t)
	cluster.DuringAnswers(t, func() {
		cluster.Kill(t, "coordinator-0")
		eventually.True(t, "the standby leads", func() bool { return leader() == "coordinator-1" })
	})
	if after := cluster.View(t); after.Revision != before.Revision {
		t.Errorf("the placement moved from epoch %d to %d", before.Placement.Epoch(), after.Placement.Epoch())
	}
	cluster.DuringAnswers(t, func() { cluster.Kill(t, "expert-2") })
}

// TestKilledRouterTakesOnlyItsOwnStreams: two routers share the expert nodes.
// The streams of the router that dies are cut without an end, so that no client
// takes half an answer for a whole one. The streams of the other router go on.
func TestKilledRouterTakesOnlyItsOwnStreams(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, nil)
	second := freeport.Address(t)
	hachi.Start(t, append(cluster.Security(t, identity.Router, "router-1"), "router", "--id", "router-1", "--etcd", cluster.Endpoints()[0], "--model", hachi.Model, "--listen", second,
		"--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi")...)
	eventually.True(t, "the second router serves", func() bool { return harness.Serves("http://" + second) })
	want := harness.MustCompleteAll(t, "http://"+second, harness.StreamTokens)
	body := `{"model":"tiny","prompt":"a","max_tokens":20000,"ignore_eos":true,"stream":true}`
	resp, err := http.Post(cluster.URL()+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for line := ":"; !strings.HasPrefix(line, "data: "); { // comments and empty lines come first
		if line, err = events.ReadString('\n'); err != nil {
			t.Fatalf("the stream ends before an event: %q, %v", line, err)
		}
	}
	cluster.Kill(t, "router-0")
	harness.Compare(t, "at the other router", harness.MustCompleteAll(t, "http://"+second, harness.StreamTokens), want)
	rest, err := io.ReadAll(events)
	if err == nil || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream of the dead router ended well (%v) after %d bytes", err, len(rest))
	}
}

func TestSignaledRolesEndCleanly(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"coordinator", "--id", "a", "--listen", "127.0.0.1:0"},
		{"expertnode", "--id", "a", "--listen", "127.0.0.1:0", "--model", hachi.Model},
		{"router", "--id", "a", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--model", hachi.Model, "--kv-cache-memory", "64Mi"},
	} {
		store := freeport.Address(t)
		waiting := awaitDials(t, store, append(args, "--etcd", store))[0]
		if err := waiting.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := waiting.Wait(); err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}

// awaitDials starts roles, one after the other, and returns when each has dialed
// the address of an etcd that does not run: from then on the role waits for etcd.
// The connection of a role stays open until the next role has dialed, so that a
// second attempt of the first is not taken for the second role.
func awaitDials(t *testing.T, store string, roles ...[]string) (started []*harness.Process) {
	t.Helper()
	listener, err := net.Listen("tcp", store)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(eventually.Within)); err != nil {
		t.Fatal(err)
	}
	for _, args := range roles {
		started = append(started, hachi.Start(t, args...))
		conn, err := listener.Accept()
		if err != nil {
			t.Fatalf("%s does not dial etcd: %v", args[0], err)
		}
		defer conn.Close()
	}
	return started
}
