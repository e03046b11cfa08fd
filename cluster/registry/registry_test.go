package registry

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/hachi-serve/hachi/cluster/etcd"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func startEtcd(t *testing.T, cfg etcd.Config) *etcd.Server {
	t.Helper()
	s, err := etcd.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRegistry(t *testing.T, s *etcd.Server) *Registry {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	cli, err := Dial(s.Endpoints(), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	return New(cli, "/test/", Options{TTL: time.Second, Logger: logger})
}

// until reads a watch until a value fits.
func until[T any](t *testing.T, ch <-chan T, what string, fits func(T) bool) T {
	t.Helper()
	deadline := time.After(20 * time.Second)
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

func TestRecordsOutliveAnEtcdThatWasGoneForLongerThanTheirLease(t *testing.T) {
	cfg := etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")}
	server := startEtcd(t, cfg)
	cfg.ClientAddr = server.Endpoints()[0]
	r := newRegistry(t, server)
	session := r.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "n", Addr: "a"})
	nodes := r.WatchNodes(t.Context())
	until(t, nodes, "the record", func(n Nodes) bool { return len(n.Records) == 1 })
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 7 })
	until(t, nodes, "the update", func(n Nodes) bool { return len(n.Records) == 1 && n.Records[0].GetEpoch() == 7 })
	server.Close()
	select { // an outage says nothing
	case n := <-nodes:
		t.Errorf("the outage delivered %v", n)
	case <-time.After(2500 * time.Millisecond):
	}
	server = startEtcd(t, cfg)
	defer server.Close()
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 8 })
	until(t, nodes, "the record after the outage", func(n Nodes) bool { return len(n.Records) == 1 && n.Records[0].GetEpoch() == 8 })
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, nodes, "the goodbye", func(n Nodes) bool { return len(n.Records) == 0 })
}

func TestWritesAreFenced(t *testing.T) {
	server := startEtcd(t, etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd")})
	defer server.Close()
	r := newRegistry(t, server)
	ctx := context.Background()
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
	if err := r.WriteTarget(ctx, second, &now, moe.Target{Epoch: 5, Shards: map[moe.NodeID]moe.Shard{"n": {{}}}}); err != nil {
		t.Error(err)
	}
	got := until(t, r.WatchTarget(t.Context()), "the target", func(moe.Target) bool { return true })
	if !got.Shards["n"].Has(moe.ExpertID{}) {
		t.Errorf("target %+v", got)
	}
}
