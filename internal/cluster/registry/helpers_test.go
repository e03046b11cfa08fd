package registry_test

import (
	"context"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestMain waits for the servers that were closed under their clients: their
// last goroutines end seconds later.
func TestMain(m *testing.M) { leaktest.Main(m) }

// testTTL lets leases end soon, but not while the machine has no time for a
// renewal for a moment.
const testTTL = 2 * time.Second

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
	p, err := moe.NewPlacement(epoch, "f", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "n", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lead wins an election.
func lead(t *testing.T, r *registry.Registry, id string) (registry.Leadership, func()) {
	t.Helper()
	term, err := r.Campaign(t.Context(), &hachiv1.CoordinatorRecord{CoordinatorId: id})
	if err != nil {
		t.Fatal(err)
	}
	return term.Leadership, func() {
		if err := term.Resign(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// node registers a node until the test ends.
func node(t *testing.T, r *registry.Registry, id string) *registry.NodeSession {
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

func records1(n registry.Nodes) bool { return len(n.Records) == 1 }

func records0(n registry.Nodes) bool { return len(n.Records) == 0 }

func atEpoch(epoch uint64) func(registry.Nodes) bool {
	return func(n registry.Nodes) bool { return records1(n) && n.Records[0].GetEpoch() == epoch }
}
