package registry_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func startEtcd(t testing.TB, cfg etcd.Config) *etcd.Server {
	t.Helper()
	s, err := etcd.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// freshEtcd is an etcd on an empty directory.
func freshEtcd(t *testing.T) *etcd.Server {
	t.Helper()
	return startEtcd(t, etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")})
}

// dial opens the etcd at an endpoint until the test ends.
func dial(t testing.TB, endpoint string) *etcdstore.Store {
	t.Helper()
	store, err := etcdstore.Dial([]string{endpoint}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func newRegistry(t testing.TB, endpoint string) *registry.Registry {
	t.Helper()
	return registry.New(dial(t, endpoint), "/test/", registry.Options{TTL: testTTL, Logger: slog.New(slog.DiscardHandler)})
}

// newLine stands between a client and etcd.
func newLine(t *testing.T, to *etcd.Server) *faulty.Relay {
	t.Helper()
	r, err := faulty.NewRelay(to.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// silence drops everything without a reset, or lets it through again.
func silence(r *faulty.Relay, silent bool) {
	r.Set(faulty.ToServer, faulty.Wire{Silent: silent})
	r.Set(faulty.ToClient, faulty.Wire{Silent: silent})
}

func TestRecordsOutliveAnEtcdThatWasGoneForLongerThanTheirLease(t *testing.T) {
	t.Parallel() // it waits most of the time
	cfg := etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")}
	server := startEtcd(t, cfg)
	cfg.ClientAddr = server.Endpoints()[0]
	r := newRegistry(t, cfg.ClientAddr)
	session := node(t, r, "n")
	nodes := r.WatchNodes(t.Context())
	first := until(t, nodes, "the record", records1)
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 7 })
	until(t, nodes, "the update", atEpoch(7))
	server.Close()
	select { // an outage says nothing
	case n := <-nodes:
		t.Errorf("the outage delivered %v", n)
	case <-time.After(testTTL + time.Second):
	}
	startEtcd(t, cfg)
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 8 })
	after := until(t, nodes, "the record after the outage", atEpoch(8))
	if after.Connection <= first.Connection {
		t.Errorf("the outage is not counted: connection %d, before it %d", after.Connection, first.Connection)
	}
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, nodes, "the goodbye", records0)
}

func TestWatchesAndRecordsFollowAnEtcdThatCameBackEmpty(t *testing.T) {
	t.Parallel() // it waits most of the time
	cfg := etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")}
	server := startEtcd(t, cfg)
	cfg.ClientAddr = server.Endpoints()[0]
	r := newRegistry(t, cfg.ClientAddr)
	leader, _ := lead(t, r, "one")
	state := registry.State{}
	for epoch := range moe.Epoch(50) { // revisions the empty one is far from
		if err := r.WritePlacement(t.Context(), leader, &state, one(t, epoch+1)); err != nil {
			t.Fatal(err)
		}
	}
	session := node(t, r, "n")
	nodes, placements := r.WatchNodes(t.Context()), r.WatchPlacement(t.Context())
	until(t, nodes, "the record", records1)
	until(t, placements, "the placement", func(p *moe.Placement) bool { return p.Epoch() == 50 })
	server.Close()
	cfg.Dir = filepath.Join(t.TempDir(), "empty")
	startEtcd(t, cfg)
	until(t, nodes, "the record in the empty etcd", records1)
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 50 })
	until(t, nodes, "a change in the empty etcd", atEpoch(50))
	leader, resign := lead(t, r, "two")
	defer resign()
	if err := r.WritePlacement(t.Context(), leader, &state, one(t, 51)); !errors.Is(err, registry.ErrFenced) {
		t.Errorf("a write over a value that is gone: %v", err)
	}
	state, err := r.ReadState(t.Context())
	if err != nil || state.Placement != nil || state.TargetKnown {
		t.Fatalf("the empty etcd holds %+v, %v", state, err)
	}
	if err := r.WritePlacement(t.Context(), leader, &state, one(t, 51)); err != nil {
		t.Fatal(err)
	}
	until(t, placements, "a placement in the empty etcd", func(p *moe.Placement) bool { return p.Epoch() == 51 })
}

func TestALostLeaseIsGrantedAgain(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := freshEtcd(t)
	wire := newLine(t, server)
	session := node(t, newRegistry(t, wire.Addr()), "n")
	nodes := newRegistry(t, server.Endpoints()[0]).WatchNodes(t.Context())
	until(t, nodes, "the record", records1)
	silence(wire, true)
	until(t, nodes, "the end of the lease", records0)
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 3 })
	silence(wire, false)
	until(t, nodes, "the record again", atEpoch(3))
	session.Hold(true)
	until(t, nodes, "the end of a lease that is held back", records0)
	session.Hold(false)
	until(t, nodes, "the record after the hold", atEpoch(3))
}

func TestAWatchBeginsAnewAfterCompaction(t *testing.T) {
	server := freshEtcd(t)
	wire := newLine(t, server)
	direct, etcd := newRegistry(t, server.Endpoints()[0]), dial(t, server.Endpoints()[0]).Client()
	drains := newRegistry(t, wire.Addr()).WatchDrains(t.Context())
	if err := direct.Drain(t.Context(), "n0", 1); err != nil {
		t.Fatal(err)
	}
	until(t, drains, "the first request", func(d map[moe.NodeID]int64) bool { return d["n0"] == 1 })
	silence(wire, true)
	wire.Cut() // the client will resume at the revision it had
	for i := range 10 {
		if err := direct.Drain(t.Context(), moe.NodeID(fmt.Sprint("n", i)), 2); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := etcd.Get(t.Context(), "/test/", clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := etcd.Compact(t.Context(), resp.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	silence(wire, false)
	until(t, drains, "what was written meanwhile", func(d map[moe.NodeID]int64) bool { return len(d) == 10 && d["n0"] == 2 })
}

func TestALeaderCutOffFromEtcdIsFenced(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := freshEtcd(t)
	wire := newLine(t, server)
	cutOff, other := newRegistry(t, wire.Addr()), newRegistry(t, server.Endpoints()[0])
	first, _ := lead(t, cutOff, "one")
	state, err := cutOff.ReadState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	silence(wire, true)
	second, resign := lead(t, other, "two") // returns when the first's lease has ended
	defer resign()
	silence(wire, false)
	eventually.True(t, "a write by the leader that was cut off is fenced", func() bool {
		stale := state
		err := cutOff.WritePlacement(t.Context(), first, &stale, one(t, 1))
		if err == nil {
			t.Fatal("the leader that was cut off has written")
		}
		return errors.Is(err, registry.ErrFenced) // else its connection is not yet back
	})
	if err := other.WritePlacement(t.Context(), second, &state, one(t, 1)); err != nil {
		t.Error(err)
	}
}
