package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// testTTL keeps a new leader's grace short.
	testTTL = 2 * time.Second
	// recordTTL outlasts a machine that has no time for a node for a while: no
	// test waits for the end of a node's lease, and a node that is lost moves.
	recordTTL = 6 * time.Second
)

// store is an etcd that can be stopped and started on the same port.
type store struct {
	t   *testing.T
	cfg etcd.Config
	now *etcd.Server
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, cfg: etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")}}
	s.start()
	s.cfg.ClientAddr = s.now.Endpoints()[0]
	return s
}

func (s *store) start() {
	s.t.Helper()
	var err error
	if s.now, err = etcd.Start(s.t.Context(), s.cfg); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.now.Close)
}

func (s *store) registry(endpoint string) *registry.Registry {
	s.t.Helper()
	logger := slog.New(slog.DiscardHandler)
	cli, err := etcdstore.Dial([]string{endpoint}, nil, logger)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cli.Close() })
	return registry.New(cli, "/test/", registry.Options{TTL: recordTTL, Logger: logger})
}

// run starts a coordinator that stops when the test ends.
func run(t *testing.T, id string, reg *registry.Registry) *Coordinator {
	t.Helper()
	c := New(Config{
		ID: id, Addr: id + ":7071", Policy: planner.Balanced, Replicas: 1, Expect: 2, TTL: testTTL, Registry: reg,
		Alive: func(moe.NodeID) bool { return false }, Silent: func(node moe.NodeID) bool { return node == "n1" },
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return c
}

// obey registers a node that holds what the target gives it, at once.
func obey(t *testing.T, reg *registry.Registry, id string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	session := reg.RegisterNode(ctx, &hachiv1.NodeRecord{
		NodeId: id, Addr: id + ":7070", Fingerprint: "fp", ExpertsPerLayer: []uint32{4, 4}, ExpertBytes: 1, StartedUnixNano: 1,
	})
	targets, placements := reg.WatchTarget(ctx), reg.WatchPlacement(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			select {
			case target := <-targets:
				session.Update(func(r *hachiv1.NodeRecord) {
					r.Resident, r.TargetEpoch = moepb.ShardToProto(target.Shards[moe.NodeID(id)]), uint64(target.Epoch)
				})
			case p := <-placements:
				if p != nil {
					session.Update(func(r *hachiv1.NodeRecord) { r.Epoch = uint64(p.Epoch()) })
				}
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		gone, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		_ = session.Close(gone)
	})
}

// obeyTwo registers n0 and n1, which hold what the target gives them, and returns
// the placement on both with its revision.
func obeyTwo(t *testing.T, reg *registry.Registry) (*moe.Placement, int64) {
	t.Helper()
	obey(t, reg, "n0")
	obey(t, reg, "n1")
	eventually.True(t, "both nodes serve", serving(t, reg, "n0", "n1"))
	return placement(t, reg)
}

func placement(t *testing.T, reg *registry.Registry) (*moe.Placement, int64) {
	t.Helper()
	p, revision, err := reg.Placement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, revision
}

func serving(t *testing.T, reg *registry.Registry, nodes ...string) func() bool {
	return func() bool {
		p, _ := placement(t, reg)
		if p == nil {
			return false
		}
		var names []string
		for _, n := range p.Nodes() {
			names = append(names, string(n.Node))
		}
		return strings.Join(names, " ") == strings.Join(nodes, " ")
	}
}

func TestDrainThroughTheService(t *testing.T) {
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	c := run(t, "c0", reg)
	if _, err := c.GetPlacement(t.Context(), nil); status.Code(err) != codes.NotFound {
		t.Errorf("a placement before there is one: %v", err)
	}
	obeyTwo(t, reg)
	for _, r := range []*hachiv1.DrainNodeRequest{{NodeId: "n0"}, {NodeId: "n0"}} { // idempotent
		if _, err := c.DrainNode(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	eventually.True(t, "only n1 serves", serving(t, reg, "n1"))
	got, err := c.GetStatus(t.Context(), nil)
	if err != nil || got.GetLeaderId() != "c0" || len(got.GetNodes()) != 2 || got.GetNodes()[0].GetState() != hachiv1.NodeState_NODE_STATE_DRAINING {
		t.Errorf("status %v, %v", got, err)
	}
	if got.GetNodes()[0].GetSilent() || !got.GetNodes()[1].GetSilent() {
		t.Errorf("only n1 is silent in %v", got)
	}
	if _, err := c.DrainNode(t.Context(), &hachiv1.DrainNodeRequest{NodeId: "n0", Undo: true}); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "both nodes serve again", serving(t, reg, "n0", "n1"))
	if _, err := c.DrainNode(t.Context(), &hachiv1.DrainNodeRequest{NodeId: "n7"}); status.Code(err) != codes.NotFound {
		t.Errorf("drain of an unknown node: %v", err)
	}
	plan, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Policy: "column", Replicas: 2})
	if err != nil || len(plan.GetTarget().GetNodes()) != 2 {
		t.Errorf("plan %v, %v", plan, err)
	}
	lonely, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Without: []string{"n0"}})
	if err != nil || len(lonely.GetNodes()) != 1 || len(lonely.GetMoves()) == 0 {
		t.Errorf("plan without n0 %v, %v", lonely, err)
	}
	for _, m := range lonely.GetMoves() {
		if m.GetTo() != "n1" || m.GetWhy() == "" {
			t.Errorf("move %v, want one to n1 with its reason", m)
		}
	}
	if _, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Without: []string{"n7"}}); status.Code(err) != codes.NotFound {
		t.Errorf("plan without an unknown node: %v", err)
	}
	if _, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Policy: "spiral"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("plan of an unknown policy: %v", err)
	}
}

// TestALeaderCutOffIsSucceeded: a leader that etcd does not hear any more loses
// its lease, cannot write, and knows who leads when it is back.
func TestALeaderCutOffIsSucceeded(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	line, err := faulty.NewRelay(s.cfg.ClientAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Close)
	first := run(t, "c0", s.registry(line.Addr()))
	before, revision := obeyTwo(t, reg)
	second := run(t, "c1", reg)
	if _, err := second.DrainNode(t.Context(), &hachiv1.DrainNodeRequest{NodeId: "n0"}); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "c0 leads") {
		t.Errorf("a standby was asked to drain: %v", err)
	}
	silent := faulty.Wire{Silent: true}
	line.Set(faulty.ToServer, silent)
	line.Set(faulty.ToClient, silent)
	eventually.True(t, "the standby leads", func() bool { return second.leading() != nil })
	eventually.True(t, "the first knows that it does not", func() bool { return first.leading() == nil })
	line.Set(faulty.ToServer, faulty.Wire{})
	line.Set(faulty.ToClient, faulty.Wire{})
	eventually.True(t, "the first names the second", func() bool {
		got, err := first.GetStatus(t.Context(), nil)
		return err == nil && got.GetLeaderId() == "c1" && len(got.GetNodes()) == 2
	})
	if after, now := placement(t, reg); after.Epoch() != before.Epoch() || now != revision {
		t.Errorf("the placement moved from epoch %d to %d", before.Epoch(), after.Epoch())
	}
}

func TestEtcdRestartsWithItsData(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end: skipped by -short")
	}
	t.Parallel() // it waits most of the time
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	c := run(t, "c0", reg)
	before, revision := obeyTwo(t, reg)
	s.now.Close()
	eventually.True(t, "leadership ends", func() bool { return c.leading() == nil })
	s.start()
	eventually.True(t, "it leads again", func() bool { return c.leading() != nil })
	time.Sleep(recordTTL + testTTL) // longer than the grace, and than a lease
	if after, now := placement(t, reg); after.Epoch() != before.Epoch() || now != revision {
		t.Errorf("the placement moved from epoch %d to %d", before.Epoch(), after.Epoch())
	}
}

// TestDamagedRecordsAreRepaired: whatever another program writes under the prefix,
// the cluster serves the same replicas within seconds, at a higher epoch.
func TestDamagedRecordsAreRepaired(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	run(t, "c0", reg)
	before, _ := obeyTwo(t, reg)
	cli, err := etcdstore.Dial([]string{s.cfg.ClientAddr}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer cli.Close()
	absurd, err := proto.Marshal(&hachiv1.NodeRecord{NodeId: "n8", Addr: "n8:1", Fingerprint: "fp", ExpertsPerLayer: []uint32{4, 4}, Epoch: 1<<64 - 1})
	if err != nil {
		t.Fatal(err)
	}
	high, err := proto.Marshal(&hachiv1.PlacementRecord{Epoch: 1<<64 - 1, Fingerprint: "fp", ExpertsPerLayer: []uint32{1},
		Nodes: []*hachiv1.PlacementNode{{NodeId: "n0", Addr: "n0:1"}}, Replicas: []*hachiv1.ReplicaList{{Nodes: []uint32{0}}}})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string, value []byte) func() error {
		return func() error { return cli.Put(t.Context(), "/test/"+key, value, 0) }
	}
	last := before
	for _, tt := range []struct {
		name   string
		change func() error
	}{
		{"a placement that is no record", put("placement", []byte("\xff\xff"))},
		{"a placement of an absurd epoch", put("placement", high)},
		{"no placement", func() error { return cli.Delete(t.Context(), "/test/placement") }},
		{"a target that is no record", put("target", []byte("\xff"))},
		{"no target", func() error { return cli.Delete(t.Context(), "/test/target") }},
		{"a node that is no record", put("nodes/n9", []byte("\xff"))},
		{"a node of an absurd epoch", put("nodes/n8", absurd)},
		{"another node's record", put("nodes/n7", absurd)},
		{"a drain that is no time", put("drains/n0", []byte("soon"))},
	} {
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		eventually.True(t, tt.name+" is repaired or passed over", func() bool {
			state, err := reg.ReadState(t.Context())
			if err != nil || !state.TargetKnown || state.Placement == nil || !state.Placement.SameReplicas(before) {
				return false
			}
			sound := state.Placement.Epoch() >= last.Epoch() && state.Placement.Epoch() < last.Epoch()+10
			if sound {
				last = state.Placement
			}
			return sound
		})
		if nodes, err := reg.Nodes(t.Context()); err != nil || len(nodes) != 2 {
			t.Errorf("%s: %d nodes are listed, %v", tt.name, len(nodes), err)
		}
	}
}

func TestEtcdComesBackEmpty(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	run(t, "c0", reg)
	before, _ := obeyTwo(t, reg)
	s.now.Close()
	s.cfg.Dir = filepath.Join(t.TempDir(), "empty")
	s.start()
	eventually.True(t, "both nodes serve again", serving(t, reg, "n0", "n1"))
	after, _ := placement(t, reg)
	if after.Epoch() <= before.Epoch() {
		t.Errorf("epoch %d after %d", after.Epoch(), before.Epoch())
	}
	for layer := range 2 {
		for expert := range 4 {
			id := moe.ExpertID{Layer: layer, Expert: expert}
			if got, want := fmt.Sprint(after.Replicas(id)), fmt.Sprint(before.Replicas(id)); got != want {
				t.Errorf("%v moved from %s to %s", id, want, got)
			}
		}
	}
}
