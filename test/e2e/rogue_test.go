//go:build !race

// Bits are compared under load, which takes minutes under the race detector.

package e2e

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/cluster/sealed"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// eavesdropper answers as an expert node does and counts the rows that it reads.
type eavesdropper struct {
	hachiv1.UnimplementedExpertServiceServer
	messages atomic.Int64
}

func (e *eavesdropper) Exchange(s grpc.BidiStreamingServer[hachiv1.ExchangeRequest, hachiv1.ExchangeResponse]) error {
	for {
		if _, err := s.Recv(); err != nil {
			return err
		}
		e.messages.Add(1)
	}
}

// listen serves with a certificate, asking no caller for one, until the test ends.
func (e *eavesdropper) listen(t *testing.T, by *identity.Source) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := by.ClientsTLS()
	config.VerifyConnection = nil
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	hachiv1.RegisterExpertServiceServer(server, e)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return l.Addr().String()
}

// impostor is a certificate of a name in the cluster, of an authority that no process
// trusts.
func impostor(t *testing.T, as identity.Role, name string) *identity.Source {
	t.Helper()
	dir := identity.Directory(filepath.Join(t.TempDir(), "certs"))
	if err := dir.Init(registry.DefaultCluster, time.Hour); err != nil {
		t.Fatal(err)
	}
	at, err := dir.Issue(as, name, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	by, err := identity.Open(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// forger writes records into the etcd of a cluster.
type forger struct {
	t     *testing.T
	store registry.Store
}

// newForger signs what it writes; with a nil certificate it does not.
func newForger(t *testing.T, c *harness.ByHand, by *identity.Source) forger {
	t.Helper()
	store, err := etcdstore.Dial([]string{c.Endpoint}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return forger{t, sealed.New(store, by)}
}

func (f forger) write(key string, record proto.Message) {
	f.t.Helper()
	raw, err := proto.Marshal(record)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	if err := f.store.Put(ctx, registry.Prefix(registry.DefaultCluster)+key, raw, 0); err != nil {
		f.t.Fatal(err)
	}
}

// forged are the records by which a rogue would get the rows of a cluster: that of
// another node, that of the node itself at another address, and a target and a
// placement of the next epoch with every expert there.
func forged(t *testing.T, view status.View, addr string) map[string]proto.Message {
	t.Helper()
	node := proto.CloneOf(view.Nodes[0])
	node.Addr = addr
	other := proto.CloneOf(node)
	other.NodeId = "rogue"
	old := view.Placement
	table := make([][]moe.Replica, old.Topology().Experts())
	var all []moe.ExpertID
	for i, id := range old.Topology().All() {
		table[i] = []moe.Replica{{Node: moe.NodeID(node.GetNodeId()), Addr: addr}}
		all = append(all, id)
	}
	p, err := moe.NewPlacement(old.Epoch()+1, old.Fingerprint(), old.Topology(), table)
	if err != nil {
		t.Fatal(err)
	}
	target := moe.Target{Epoch: old.Epoch() + 1, Shards: map[moe.NodeID]moe.Shard{"rogue": moe.NewShard(all)}}
	return map[string]proto.Message{
		"nodes/rogue": other, "nodes/" + node.GetNodeId(): node, "target": moepb.TargetToProto(target), "placement": moepb.PlacementToProto(p),
	}
}

// TestARogueThatWritesIntoEtcdGetsNothing: a process with every right in etcd and no
// certificate of the cluster changes no answer and reads no row while streams run;
// the log names each false record once. A stolen certificate of a router neither
// drains nor publishes.
func TestARogueThatWritesIntoEtcdGetsNothing(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.ByHand(t, harness.ByHandConfig{Nodes: 2, PlaintextEtcd: true})
	before := cluster.View(t)
	spy := &eavesdropper{}
	records := forged(t, before, spy.listen(t, impostor(t, identity.Expert, before.Nodes[0].GetNodeId())))
	unsigned, stolen := newForger(t, cluster, nil), newForger(t, cluster, open(t, cluster.Certificates(identity.Router, "router-0")))
	foreign := newForger(t, cluster, impostor(t, identity.Coordinator, "coordinator-0"))
	drain := func(f forger, node string) { // its record is a number, and no message
		f.t.Helper()
		if err := f.store.Put(t.Context(), registry.Prefix(registry.DefaultCluster)+"drains/"+node, []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	}
	repaired := func(what string) {
		t.Helper()
		eventually.True(t, what+": the records of the cluster are back", func() bool {
			v := cluster.View(t)
			return v.Placement != nil && len(v.Nodes) == 2 && len(v.Placement.Nodes()) == 2 && v.Nodes[0].GetAddr() == before.Nodes[0].GetAddr()
		})
	}
	harness.Caller{URL: cluster.URL}.Streams(t, 8, func() {
		for what, f := range map[string]forger{"unsigned": unsigned, "of another authority": foreign, "of a router": stolen} {
			for key, record := range records {
				f.write(key, record)
			}
			drain(f, "expert-1")
			repaired(what)
		}
		stolenRouter(t, cluster)
	})
	if n := spy.messages.Load(); n > 0 {
		t.Errorf("the rogue got %d messages of rows", n)
	}
	for _, n := range cluster.View(t).Nodes {
		if n.GetDraining() {
			t.Errorf("%s is draining", n.GetNodeId())
		}
	}
	for _, why := range []string{"the record is not signed", "certificate signed by unknown authority", "spiffe://hachi/router/router-0, which may not write this key"} {
		if n := lines(t, cluster.Processes["coordinator-0"], "record is damaged", "key=/hachi/hachi/nodes/rogue ", why); n != 1 {
			t.Errorf("%d lines of the coordinator say of the rogue: %s", n, why)
		}
	}
}

// open reads the certificate in a directory.
func open(t *testing.T, dir string) *identity.Source {
	t.Helper()
	by, err := identity.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// stolenRouter tries the certificate of a router at what is an operator's, and as
// that of a node.
func stolenRouter(t *testing.T, cluster *harness.ByHand) {
	t.Helper()
	dir := cluster.Certificates(identity.Router, "router-0")
	code, said := hachi.Run(t, append([]string{"drain", "expert-1", "--certificates", dir}, cluster.Etcd()...)...)
	if code == 0 || !strings.Contains(said, "spiffe://hachi/router/router-0, expected one of the roles [\"operator\"]") {
		t.Errorf("drain by a router: %d, %s", code, said)
	}
	leader, err := cluster.View(t).Leader()
	if err != nil {
		t.Fatal(err)
	}
	by := open(t, dir)
	conn, err := grpc.NewClient("passthrough:///"+leader, grpc.WithTransportCredentials(credentials.NewTLS(by.ClientTLS(identity.Coordinator, ""))))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if plan, err := hachiv1.NewCoordinatorServiceClient(conn).PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{}); err == nil {
		t.Errorf("a router plans: %v", plan)
	}
	base, web := status.Web(leader, by)
	defer web.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/v1/nodes/expert-1/drain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("drain by a router over HTTP: %s", resp.Status)
	}
	code, said = hachi.Run(t, append([]string{"expertnode", "--id", "router-0", "--model", hachi.Model, "--listen", "127.0.0.1:0", "--certificates", dir, "--gossip-keys", cluster.GossipKeys()}, cluster.Etcd()...)...)
	if code != local.ExitConfigError || !strings.Contains(said, "spiffe://hachi/router/router-0, expected spiffe://hachi/expert/router-0") {
		t.Errorf("a node with the certificate of a router: %d, %s", code, said)
	}
}
