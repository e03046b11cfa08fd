package sealed

import (
	"bytes"
	"context"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
)

// Store seals what is written to the store inside, and opens what is read.
type Store struct {
	registry.Store
	by *identity.Source
}

// New seals a store with a certificate; a nil certificate leaves the store as it is.
func New(store registry.Store, by *identity.Source) registry.Store {
	if by == nil {
		return store
	}
	return &Store{store, by}
}

// Get implements registry.Store.
func (s *Store) Get(ctx context.Context, prefixes ...string) ([]registry.Entry, error) {
	entries, err := s.Store.Get(ctx, prefixes...)
	for i, e := range entries {
		entries[i].Value, entries[i].Stale = s.open(e.Key, e.Value)
	}
	return entries, err
}

// open is the record in a seal, or the value that says why it is refused. A record is
// stale if another authority than that of this process vouches for its signer.
func (s *Store) open(key string, raw []byte) (record []byte, stale bool) {
	record, by, err := openSeal(s.by, key, raw)
	if err != nil {
		return registry.Refused(err), false
	}
	return record, !bytes.Equal(by, s.by.Issuer())
}

// Put implements registry.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, lease registry.LeaseID) error {
	raw, err := closeSeal(s.by, key, value)
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, key, raw, lease)
}

// Commit implements registry.Store.
func (s *Store) Commit(ctx context.Context, guards []registry.Guard, key string, value []byte, lease registry.LeaseID) (int64, error) {
	raw, err := closeSeal(s.by, key, value)
	if err != nil {
		return 0, err
	}
	return s.Store.Commit(ctx, guards, key, raw, lease)
}

// Campaign implements registry.Store.
func (s *Store) Campaign(ctx context.Context, prefix string, value []byte, ttl time.Duration) (*registry.Term, error) {
	raw, err := closeSeal(s.by, prefix, value)
	if err != nil {
		return nil, err
	}
	return s.Store.Campaign(ctx, prefix, raw, ttl)
}

// Watch implements registry.Store. A record is verified once, and again when it
// changes.
func (s *Store) Watch(ctx context.Context, prefix string, changed func(map[string][]byte)) bool {
	type verified struct{ raw, record []byte }
	before := map[string]verified{}
	return s.Store.Watch(ctx, prefix, func(values map[string][]byte) {
		now, out := make(map[string]verified, len(values)), make(map[string][]byte, len(values))
		for key, raw := range values {
			v, ok := before[key]
			if !ok || !bytes.Equal(v.raw, raw) {
				record, _ := s.open(key, raw)
				v = verified{raw, record}
			}
			now[key], out[key] = v, v.record
		}
		before = now
		changed(out)
	})
}
