package registry_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// lateStore loses the answer of one write of a record, and lets the write happen when
// happen is called.
type lateStore struct {
	registry.Store

	mu    sync.Mutex // guards the fields below
	armed bool
	late  func() error
}

func (s *lateStore) Commit(ctx context.Context, guards []registry.Guard, key string, value []byte, lease registry.LeaseID) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.armed && strings.Contains(key, "/nodes/") {
		s.armed = false
		s.late = func() error {
			_, err := s.Store.Commit(context.WithoutCancel(ctx), guards, key, value, lease)
			return err
		}
		return 0, errors.New("no answer")
	}
	return s.Store.Commit(ctx, guards, key, value, lease)
}

// TestALateWriteReplacesNoNewerRecord: a write that got no answer reaches the store when
// the process has written a newer record. A coordinator would place an expert on a node
// that its record, in the end, does not name as a holder.
func TestALateWriteReplacesNoNewerRecord(t *testing.T) {
	store := &lateStore{Store: memory.New()}
	r := registry.New(store, "/test/", registry.Options{TTL: testTTL, Logger: slog.New(slog.DiscardHandler)})
	name, err := r.Claim(t.Context(), registry.ExpertNodeRole, "a", registry.Holder{Run: "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := name.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	nodes := r.WatchNodes(t.Context())
	session := node(t, r, "a")
	until(t, nodes, "the record", records1)
	store.mu.Lock()
	store.armed = true
	store.mu.Unlock()
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 1 })
	session.Update(func(n *hachiv1.NodeRecord) { n.Epoch = 2 })
	until(t, nodes, "epoch 2", atEpoch(2))
	store.mu.Lock()
	late := store.late
	store.mu.Unlock()
	if err := late(); !errors.Is(err, registry.ErrFenced) {
		t.Errorf("the late write: %v", err)
	}
	records, err := r.Nodes(t.Context())
	if err != nil || len(records) != 1 || records[0].GetEpoch() != 2 {
		t.Errorf("%v, %v", records, err)
	}
}
