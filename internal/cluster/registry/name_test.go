package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/logtest"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// unknown judges no holder.
func unknown(registry.Holder) (ended, known bool) { return false, false }

func says(ended bool) func(registry.Holder) (bool, bool) {
	return func(registry.Holder) (bool, bool) { return ended, true }
}

func claim(t *testing.T, ctx context.Context, r *registry.Registry, run string, ended func(registry.Holder) (bool, bool)) *registry.Name {
	t.Helper()
	name, err := r.Claim(ctx, "expertnode", "n", registry.Holder{Run: run, Host: run + "-host", PID: 7}, ended)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func hold(t *testing.T, r *registry.Registry, run string, ended func(registry.Holder) (bool, bool)) *registry.Name {
	t.Helper()
	name := claim(t, t.Context(), r, run, ended)
	if err := name.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return name
}

func refused(t *testing.T, name *registry.Name) {
	t.Helper()
	var err *registry.NameError
	if !errors.As(name.Wait(t.Context()), &err) || err.ID != "n" || err.Role != "expertnode" || err.Holder.Run != "first" || err.Holder.PID != 7 {
		t.Errorf("the claim ends with %+v, want a refusal that names the first", err)
	}
}

func TestANameInUseIsRefused(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		first := hold(t, open(t, store), "first", unknown)
		refused(t, claim(t, t.Context(), open(t, store), "second", says(false)))
		// Nothing is known of the first, but its lease is renewed.
		refused(t, claim(t, t.Context(), open(t, store), "third", unknown))
		// Another role, and a longer name, are other names.
		for role, id := range map[string]string{"router": "n", "expertnode": "n2"} {
			other, err := open(t, store).Claim(t.Context(), role, id, registry.Holder{Run: "other"}, says(false))
			if err != nil || other.Wait(t.Context()) != nil {
				t.Errorf("%s %s is refused: %v, %v", role, id, err, other.Wait(t.Context()))
			}
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		hold(t, open(t, store), "fourth", says(false))
	})
}

// TestTheNameOfADeadProcessIsTakenOver at once when its end is known, otherwise
// when its lease has ended.
func TestTheNameOfADeadProcessIsTakenOver(t *testing.T) {
	for what, ended := range map[string]func(registry.Holder) (bool, bool){"known": says(true), "unknown": unknown} {
		t.Run(what, func(t *testing.T) {
			onEveryStore(t, func(t *testing.T, store registry.Store) {
				life, die := context.WithCancel(t.Context())
				dead := open(t, store)
				if err := claim(t, life, dead, "first", unknown).Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				die()
				dead.Close()
				hold(t, open(t, store), "second", ended)
				third := claim(t, t.Context(), open(t, store), "third", says(false))
				if err := third.Wait(t.Context()); !errors.As(err, new(*registry.NameError)) {
					t.Errorf("the name that was taken over is given away: %v", err)
				}
			})
		})
	}
}

// TestOnlyTheHolderOfANameWritesRecords: a process whose name was taken over
// leaves the record to the new holder, and says so once.
func TestOnlyTheHolderOfANameWritesRecords(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		var said logtest.Log
		first := registry.New(store, "/test/", registry.Options{TTL: testTTL, Logger: said.Logger()})
		second := open(t, store)
		hold(t, first, "first", says(false))
		old := node(t, first, "n")
		nodes := second.WatchNodes(t.Context())
		until(t, nodes, "the record of the first", records1)
		hold(t, second, "second", says(true)) // wrongly: the first still runs
		taken := node(t, second, "n")
		taken.Update(func(n *hachiv1.NodeRecord) { n.Addr = "b" })
		isSecond := func(n registry.Nodes) bool { return records1(n) && n.Records[0].GetAddr() == "b" }
		until(t, nodes, "the record of the second", isSecond)
		eventually.True(t, "the first says that it lost its name", func() bool {
			old.Update(func(n *hachiv1.NodeRecord) { n.Epoch++ })
			return strings.Contains(said.String(), "another process is registered under this name")
		})
		// Many times, because a watch may pass over a record that is replaced at once.
		for epoch := uint64(80); epoch < 100; epoch++ {
			old.Update(func(n *hachiv1.NodeRecord) { n.Epoch++ })
			taken.Update(func(n *hachiv1.NodeRecord) { n.Epoch = epoch })
			until(t, nodes, "the newest record", func(n registry.Nodes) bool {
				if !isSecond(n) {
					t.Errorf("the first has written %v", n.Records)
				}
				return atEpoch(epoch)(n)
			})
		}
		if n := said.Count("another process is registered under this name"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

// TestAClaimOutlivesEtcd: it waits for etcd, and is made again after an outage.
func TestAClaimOutlivesEtcd(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := freshEtcd(t)
	wire := newLine(t, server)
	silence(wire, true)
	r := newRegistry(t, wire.Addr())
	name := claim(t, t.Context(), r, "first", says(false))
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := name.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without etcd the claim ends with %v", err)
	}
	silence(wire, false)
	if err := name.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	session := node(t, r, "n")
	direct := newRegistry(t, server.Endpoints()[0])
	nodes := direct.WatchNodes(t.Context())
	until(t, nodes, "the record", records1)
	silence(wire, true)
	until(t, nodes, "the end of the lease", records0)
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 3 })
	silence(wire, false)
	until(t, nodes, "the record again", atEpoch(3))
	refused(t, claim(t, t.Context(), direct, "second", says(false)))
}
