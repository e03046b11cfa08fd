package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// Store implements registry.Store.
type Store struct {
	mu       sync.Mutex // guards the fields below
	revision int64
	entries  map[string]registry.Entry
	leases   map[registry.LeaseID]*lease
	granted  registry.LeaseID
	changed  chan struct{} // closed, and replaced, by the next write
}

// lease ends when its timer fires.
type lease struct {
	ttl   time.Duration
	ends  time.Time
	timer *time.Timer
	ended chan struct{}
}

// New makes a store without keys.
func New() *Store {
	return &Store{entries: map[string]registry.Entry{}, leases: map[registry.LeaseID]*lease{}, changed: make(chan struct{})}
}

// Get implements registry.Store.
func (s *Store) Get(_ context.Context, prefixes ...string) ([]registry.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []registry.Entry
	for _, prefix := range prefixes {
		out = append(out, s.under(prefix)...)
	}
	return out, nil
}

// under copies the entries under a prefix, in order of key.
func (s *Store) under(prefix string) []registry.Entry {
	var out []registry.Entry
	for _, e := range s.entries {
		if strings.HasPrefix(e.Key, prefix) {
			e.Value = bytes.Clone(e.Value)
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b registry.Entry) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// Put implements registry.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, id registry.LeaseID) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != 0 && s.leases[id] == nil {
		return registry.ErrLeaseEnded
	}
	s.put(key, value, id)
	return nil
}

func (s *Store) put(key string, value []byte, id registry.LeaseID) {
	s.wrote()
	created := s.revision
	if old, ok := s.entries[key]; ok {
		created = old.Created
	}
	s.entries[key] = registry.Entry{Key: key, Value: bytes.Clone(value), Lease: id, Created: created, Modified: s.revision}
}

// wrote raises the revision and wakes the watches.
func (s *Store) wrote() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Delete implements registry.Store.
func (s *Store) Delete(_ context.Context, key string) error {
	s.drop(func(e registry.Entry) bool { return e.Key == key })
	return nil
}

// Clear implements registry.Store.
func (s *Store) Clear(_ context.Context, prefix string) error {
	s.drop(func(e registry.Entry) bool { return strings.HasPrefix(e.Key, prefix) })
	return nil
}

func (s *Store) drop(doomed func(registry.Entry) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.entries)
	maps.DeleteFunc(s.entries, func(_ string, e registry.Entry) bool { return doomed(e) })
	if len(s.entries) != before {
		s.wrote()
	}
}

// Commit implements registry.Store.
func (s *Store) Commit(_ context.Context, guards []registry.Guard, key string, value []byte, lease registry.LeaseID) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range guards {
		revision := s.entries[g.Key].Modified
		if g.Created {
			revision = s.entries[g.Key].Created
		}
		if revision != g.Revision {
			return 0, registry.ErrFenced
		}
	}
	if lease != 0 && s.leases[lease] == nil {
		return 0, registry.ErrLeaseEnded
	}
	s.put(key, value, lease)
	return s.revision, nil
}

// Watch implements registry.Store.
func (s *Store) Watch(ctx context.Context, prefix string, changed func(map[string][]byte)) bool {
	var seen []registry.Entry
	for first := true; ; first = false {
		s.mu.Lock()
		now, next := s.under(prefix), s.changed
		s.mu.Unlock()
		if first || !slices.EqualFunc(now, seen, sameWrite) {
			values := map[string][]byte{}
			for _, e := range now {
				values[e.Key] = e.Value
			}
			changed(values)
			seen = now
		}
		select {
		case <-next:
		case <-ctx.Done():
			return true
		}
	}
}

func sameWrite(a, b registry.Entry) bool { return a.Key == b.Key && a.Modified == b.Modified }
