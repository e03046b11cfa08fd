package registry_test

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// onEveryStore runs a test with an empty store of each kind.
func onEveryStore(t *testing.T, test func(*testing.T, registry.Store)) {
	t.Parallel() // leases end while others compute
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t, memory.New()) })
	t.Run("etcd", func(t *testing.T) { t.Parallel(); test(t, dial(t, freshEtcd(t).Endpoints()[0])) })
}

func open(t *testing.T, store registry.Store) *registry.Registry {
	t.Helper()
	return registry.New(store, "/test/", registry.Options{TTL: testTTL}) // no Logger: a silent one
}

func TestRecordFollowsItsSession(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		nodes := r.WatchNodes(t.Context())
		until(t, nodes, "no record", records0)
		session := node(t, r, "n")
		until(t, nodes, "the record", records1)
		session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 7 })
		until(t, nodes, "the update", atEpoch(7))
		session.Hold(true)
		until(t, nodes, "the end of a lease that is held back", records0)
		session.Hold(false)
		until(t, nodes, "the record after the hold", atEpoch(7))
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
		until(t, nodes, "no record after the session", records0)
		if all, err := r.Nodes(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("nodes %v, %v", all, err)
		}
	})
}

// TestRecordOfDeadProcessEndsWithItsLease: a dead process closes nothing.
func TestRecordOfDeadProcessEndsWithItsLease(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		life, die := context.WithCancel(t.Context())
		r.RegisterRouter(life, &hachiv1.RouterRecord{RouterId: "r", AckedEpoch: 3})
		routers := r.WatchRouters(t.Context())
		alive := func(all []*hachiv1.RouterRecord) bool { return len(all) == 1 && all[0].GetAckedEpoch() == 3 }
		until(t, routers, "the record", alive)
		die()
		until(t, routers, "the end of its lease", func(all []*hachiv1.RouterRecord) bool { return len(all) == 0 })
	})
}

func TestStandbyLeadsWhenTheLeaderIsGone(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		life, die := context.WithCancel(t.Context())
		first, err := r.Campaign(life, &hachiv1.CoordinatorRecord{CoordinatorId: "one"})
		if err != nil {
			t.Fatal(err)
		}
		won := make(chan *registry.Term, 1)
		go func() {
			term, err := r.Campaign(t.Context(), &hachiv1.CoordinatorRecord{CoordinatorId: "two"})
			if err != nil {
				t.Error(err)
			}
			won <- term
		}()
		eventually.True(t, "both are listed, the leader first", func() bool {
			all, err := r.Coordinators(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(all) == 2 && all[0].GetCoordinatorId() == "one" && all[1].GetCoordinatorId() == "two"
		})
		select {
		case <-won:
			t.Fatal("two coordinators lead")
		case <-first.Lost:
			t.Fatal("the leader's lease has ended")
		default:
		}
		die()
		second := <-won
		if second == nil || second.Key == first.Key || second.Revision <= first.Revision {
			t.Errorf("the second term is %+v, the first was %+v", second, first)
		}
	})
}

func TestCandidateMayGiveUp(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		_, resign := lead(t, r, "one")
		defer resign()
		ctx, giveUp := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := r.Campaign(ctx, &hachiv1.CoordinatorRecord{CoordinatorId: "two"})
			ended <- err
		}()
		listed := func(n int) func() bool {
			return func() bool { all, err := r.Coordinators(t.Context()); return err == nil && len(all) == n }
		}
		eventually.True(t, "the candidate is listed", listed(2))
		giveUp()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the campaign ended with %v", err)
		}
		eventually.True(t, "the candidate is gone", listed(1))
	})
}

// counting counts renewals.
type counting struct {
	registry.Store
	n atomic.Int64
}

func (c *counting) Renew(ctx context.Context, lease registry.LeaseID) error {
	err := c.Store.Renew(ctx, lease)
	if err == nil {
		c.n.Add(1)
	}
	return err
}

func TestDeletedRecordIsWrittenAgain(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		node(t, r, "n")
		nodes := r.WatchNodes(t.Context())
		until(t, nodes, "the record", records1)
		if err := r.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, nodes, "its deletion", records0)
		until(t, nodes, "the record again", records1)
	})
}

// TestOverwrittenRecordIsWrittenAgain: the process holds its name, so what stands
// there is no process's record.
func TestOverwrittenRecordIsWrittenAgain(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		hold(t, r, "first", unknown)
		node(t, r, "n")
		nodes := r.WatchNodes(t.Context())
		until(t, nodes, "the record", records1)
		for _, damage := range []string{"\xff damaged", ""} {
			if err := store.Put(t.Context(), "/test/nodes/n", []byte(damage), 0); err != nil {
				t.Fatal(err)
			}
			until(t, nodes, "its damage", records0)
			until(t, nodes, "the record again", records1)
		}
	})
}

func TestTheLaterProcessOfANameKeepsIt(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		var said logtest.Log
		renewals := &counting{Store: store}
		r := registry.New(renewals, "/test/", registry.Options{TTL: 2 * testTTL, Logger: said.Logger()}) // no lease may end
		node(t, r, "n")
		nodes := r.WatchNodes(t.Context())
		until(t, nodes, "the first", records1)
		eventually.True(t, "several renewals", func() bool { return renewals.n.Load() > 2 })
		if text := said.String(); text != "" {
			t.Errorf("the only process of its name logs %s", text)
		}
		second := node(t, r, "n")
		second.Update(func(n *hachiv1.NodeRecord) { n.Addr = "b" })
		until(t, nodes, "the second", func(n registry.Nodes) bool { return records1(n) && n.Records[0].GetAddr() == "b" })
		eventually.True(t, "several renewals of the first, which tells of the second", func() bool {
			return said.Count("another process is registered under this name") > 2
		})
		select {
		case n := <-nodes:
			t.Errorf("after the second came %v", n.Records)
		default:
		}
	})
}

func TestWritesAreFenced(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
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
		if err := r.WritePlacement(ctx, first, &old, one(t, 5)); !errors.Is(err, registry.ErrFenced) {
			t.Errorf("a write over an unseen value: %v", err)
		}
		if err := r.WriteTarget(ctx, first, &old, moe.Target{Epoch: 5}); !errors.Is(err, registry.ErrFenced) {
			t.Errorf("a target decided upon without the newest placement: %v", err)
		}
		resign()
		second, resign := lead(t, r, "two")
		defer resign()
		if err := r.WritePlacement(ctx, first, &mine, one(t, 5)); !errors.Is(err, registry.ErrFenced) {
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
	})
}

func TestDrainRequests(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
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
	})
}

// held is a store whose watches do not end until they are let go.
type held struct {
	registry.Store
	watching chan struct{}
	ended    atomic.Int64
}

func (h *held) Watch(ctx context.Context, _ string, _ func(map[string][]byte)) bool {
	h.watching <- struct{}{}
	<-ctx.Done()
	time.Sleep(20 * time.Millisecond) // a client that still talks to etcd
	h.ended.Add(1)
	return true
}

func TestCloseJoinsWatchesAndSessions(t *testing.T) {
	store := &held{Store: memory.New(), watching: make(chan struct{}, 1)}
	r := open(t, store)
	nodes := r.WatchNodes(context.Background())
	session := node(t, r, "n")
	<-store.watching
	r.Close()
	if store.ended.Load() != 1 {
		t.Error("the registry is closed while a watch still uses the store")
	}
	if _, open := <-nodes; open {
		t.Error("the channel of a watch is open after Close")
	}
	session.Abandon() // has ended: it does not block
	if _, open := <-r.WatchRouters(context.Background()); open {
		t.Error("a watch of a closed registry delivers")
	}
}
