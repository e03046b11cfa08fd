package coordinator

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
)

// colliding lets another program damage the target just before the next write of a
// coordinator, if armed.
type colliding struct {
	registry.Store
	armed     atomic.Bool
	campaigns atomic.Int64
}

func (s *colliding) Commit(ctx context.Context, guards []registry.Guard, key string, value []byte, lease registry.LeaseID) (int64, error) {
	if strings.HasSuffix(key, "/target") && s.armed.CompareAndSwap(true, false) {
		if err := s.damage(ctx); err != nil {
			return 0, err
		}
	}
	return s.Store.Commit(ctx, guards, key, value, lease)
}

func (s *colliding) damage(ctx context.Context) error {
	return s.Put(ctx, "/test/target", []byte("\xff damaged"), 0)
}

func (s *colliding) Campaign(ctx context.Context, prefix string, value []byte, ttl time.Duration) (*registry.Term, error) {
	s.campaigns.Add(1)
	return s.Store.Campaign(ctx, prefix, value, ttl)
}

// TestAWriteOfAnotherProgramEndsNoTerm: a write that is fenced once is decided again
// by the same leader, which remembers the cluster. A new leader would wait for every
// node, as if etcd had come back empty.
func TestAWriteOfAnotherProgramEndsNoTerm(t *testing.T) {
	store := &colliding{Store: memory.New()}
	reg := registry.New(store, "/test/", registry.Options{TTL: time.Hour})
	t.Cleanup(reg.Close)
	run(t, "c0", reg)
	obeyTwo(t, reg)
	store.armed.Store(true)
	if err := store.damage(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the target is repaired in spite of the collision", func() bool {
		state, err := reg.ReadState(t.Context())
		return err == nil && state.TargetKnown && !store.armed.Load()
	})
	if n := store.campaigns.Load(); n != 1 {
		t.Errorf("%d terms", n)
	}
}
