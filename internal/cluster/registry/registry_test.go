package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestMain waits for the servers that were closed under their clients: their
// last goroutines end seconds later.
func TestMain(m *testing.M) { leaktest.Main(m) }

// testTTL lets leases end soon, but not while the machine has no time for a
// renewal for a moment.
const testTTL = 2 * time.Second

func startEtcd(t *testing.T, cfg etcd.Config) *etcd.Server {
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

func newRegistry(t *testing.T, endpoint string) *Registry {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	cli, err := Dial([]string{endpoint}, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	return New(cli, "/test/", Options{TTL: testTTL, Logger: logger})
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

// until reads a watch until a value fits.
func until[T any](t *testing.T, ch <-chan T, what string, fits func(T) bool) T {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case v := <-ch:
			if fits(v) {
				return v
			}
		case <-deadline:
			t.Fatalf("never saw %s", what)
		}
	}
}

func one(t *testing.T, epoch moe.Epoch) *moe.Placement {
	t.Helper()
	p, err := moe.NewPlacement(epoch, "f", 1, 1, [][]moe.Replica{{{Node: "n", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lead wins an election.
func lead(t *testing.T, r *Registry, id string) (Leadership, func()) {
	t.Helper()
	session, err := concurrency.NewSession(r.Client(), concurrency.WithTTL(5))
	if err != nil {
		t.Fatal(err)
	}
	e := concurrency.NewElection(session, r.ElectionKey())
	if err := e.Campaign(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return Leadership{Key: e.Key(), Revision: e.Rev()}, func() { session.Close() }
}

// node registers a node until the test ends.
func node(t *testing.T, r *Registry, id string) *NodeSession {
	t.Helper()
	s := r.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: id, Addr: "a"})
	t.Cleanup(func() {
		// etcd may be gone by now: the goroutine must end all the same.
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

func records1(n Nodes) bool { return len(n.Records) == 1 }
func records0(n Nodes) bool { return len(n.Records) == 0 }

func atEpoch(epoch uint64) func(Nodes) bool {
	return func(n Nodes) bool { return records1(n) && n.Records[0].GetEpoch() == epoch }
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
	state := State{}
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
	if err := r.WritePlacement(t.Context(), leader, &state, one(t, 51)); !errors.Is(err, ErrFenced) {
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

func TestADeletedRecordIsWrittenAgain(t *testing.T) {
	r := newRegistry(t, freshEtcd(t).Endpoints()[0])
	node(t, r, "n")
	nodes := r.WatchNodes(t.Context())
	until(t, nodes, "the record", records1)
	if err := r.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, nodes, "its deletion", records0)
	until(t, nodes, "the record again", records1)
}

func TestTheLaterProcessOfANameKeepsIt(t *testing.T) {
	t.Parallel() // it waits most of the time
	r := newRegistry(t, freshEtcd(t).Endpoints()[0])
	var said lines
	r.opts.Logger, r.opts.TTL = slog.New(slog.NewTextHandler(&said, nil)), 2*testTTL // nobody's lease may end
	renewals := &counting{Lease: r.cli.Lease}
	r.cli.Lease = renewals
	node(t, r, "n")
	nodes := r.WatchNodes(t.Context())
	until(t, nodes, "the first", records1)
	soon(t, "several renewals", func() bool { return renewals.n.Load() > 2 })
	if text := said.String(); text != "" {
		t.Errorf("a process alone under its name says %s", text)
	}
	second := node(t, r, "n")
	second.Update(func(n *hachiv1.NodeRecord) { n.Addr = "b" })
	until(t, nodes, "the second", func(n Nodes) bool { return records1(n) && n.Records[0].GetAddr() == "b" })
	soon(t, "several renewals of the first, which tells of the second", func() bool {
		return strings.Count(said.String(), "another process is registered under this name") > 2
	})
	select {
	case n := <-nodes:
		t.Errorf("after the second came %v", n.Records)
	default:
	}
}

// counting counts the renewals that etcd granted.
type counting struct {
	clientv3.Lease
	n atomic.Int64
}

func (c *counting) KeepAliveOnce(ctx context.Context, id clientv3.LeaseID) (*clientv3.LeaseKeepAliveResponse, error) {
	resp, err := c.Lease.KeepAliveOnce(ctx, id)
	if err == nil {
		c.n.Add(1)
	}
	return resp, err
}

// soon waits for what cannot be watched.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex // guards all
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func TestAWatchBeginsAnewAfterCompaction(t *testing.T) {
	server := freshEtcd(t)
	wire := newLine(t, server)
	direct := newRegistry(t, server.Endpoints()[0])
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
	resp, err := direct.Client().Get(t.Context(), "/test/", clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := direct.Client().Compact(t.Context(), resp.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	silence(wire, false)
	until(t, drains, "what was written meanwhile", func(d map[moe.NodeID]int64) bool { return len(d) == 10 && d["n0"] == 2 })
}

func TestWritesAreFenced(t *testing.T) {
	r := newRegistry(t, freshEtcd(t).Endpoints()[0])
	ctx := t.Context()
	first, resign := lead(t, r, "one")
	old, err := r.ReadState(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mine := old
	if err := r.WritePlacement(ctx, first, &mine, one(t, 4)); err != nil {
		t.Fatal(err)
	}
	if err := r.WritePlacement(ctx, first, &old, one(t, 5)); !errors.Is(err, ErrFenced) {
		t.Errorf("a write over an unseen value: %v", err)
	}
	if err := r.WriteTarget(ctx, first, &old, moe.Target{Epoch: 5}); !errors.Is(err, ErrFenced) {
		t.Errorf("a target decided upon without the newest placement: %v", err)
	}
	resign()
	second, resign := lead(t, r, "two")
	defer resign()
	if err := r.WritePlacement(ctx, first, &mine, one(t, 5)); !errors.Is(err, ErrFenced) {
		t.Errorf("a write by a former leader: %v", err)
	}
	now, err := r.ReadState(ctx)
	if err != nil || now.Placement.Epoch() != 4 {
		t.Fatalf("state %+v, %v", now, err)
	}
	if err := r.WriteTarget(ctx, second, &now, moe.Target{Epoch: 5, Shards: map[moe.NodeID]moe.Shard{"n": {{}}, "away": nil}}); err != nil {
		t.Error(err)
	}
	got := until(t, r.WatchTarget(ctx), "the target", func(moe.Target) bool { return true })
	if _, home := got.Shards["away"]; !got.Shards["n"].Has(moe.ExpertID{}) || !home {
		t.Errorf("target %+v", got)
	}
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
	soon(t, "a write by the leader that was cut off is fenced", func() bool {
		stale := state
		err := cutOff.WritePlacement(t.Context(), first, &stale, one(t, 1))
		if err == nil {
			t.Fatal("the leader that was cut off has written")
		}
		return errors.Is(err, ErrFenced) // else its connection is not yet back
	})
	if err := other.WritePlacement(t.Context(), second, &state, one(t, 1)); err != nil {
		t.Error(err)
	}
}

func TestDamagedRecordsAreReplaced(t *testing.T) {
	r := newRegistry(t, freshEtcd(t).Endpoints()[0])
	ctx := t.Context()
	for _, key := range []string{"target", "placement", "nodes/n", "drains/n"} {
		if _, err := r.Client().Put(ctx, "/test/"+key, "\xff damaged"); err != nil {
			t.Fatal(err)
		}
	}
	if n := until(t, r.WatchNodes(ctx), "the nodes", func(Nodes) bool { return true }); !records0(n) {
		t.Errorf("nodes %v", n.Records)
	}
	if d, err := r.Drains(ctx); err != nil || len(d) > 0 {
		t.Errorf("drains %v, %v", d, err)
	}
	leader, resign := lead(t, r, "one")
	defer resign()
	state, err := r.ReadState(ctx)
	if err != nil || state.TargetKnown || state.Placement != nil {
		t.Fatalf("state %+v, %v", state, err)
	}
	if err := r.WriteTarget(ctx, leader, &state, moe.Target{Epoch: 1}); err != nil {
		t.Error(err)
	}
	if err := r.WritePlacement(ctx, leader, &state, one(t, 1)); err != nil {
		t.Error(err)
	}
	if p, revision, err := r.Placement(ctx); err != nil || p.Epoch() != 1 || revision == 0 {
		t.Errorf("placement %v at revision %d, %v", p, revision, err)
	}
}

func TestDrainRequests(t *testing.T) {
	r := newRegistry(t, freshEtcd(t).Endpoints()[0])
	ctx := t.Context()
	drains := r.WatchDrains(ctx)
	want := map[moe.NodeID]int64{"a": 5, "b": 6}
	for id, started := range want {
		if err := r.Drain(ctx, id, started); err != nil {
			t.Fatal(err)
		}
	}
	until(t, drains, "both", func(d map[moe.NodeID]int64) bool { return maps.Equal(d, want) })
	if err := r.Undrain(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	delete(want, "a")
	until(t, drains, "one", func(d map[moe.NodeID]int64) bool { return maps.Equal(d, want) })
}
