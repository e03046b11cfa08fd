package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// Grant implements registry.Store.
func (s *Store) Grant(_ context.Context, ttl time.Duration) (registry.LeaseID, error) {
	id, _ := s.grant(ttl)
	return id, nil
}

func (s *Store) grant(ttl time.Duration) (registry.LeaseID, *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granted++
	id := s.granted
	l := &lease{ttl: ttl, ends: time.Now().Add(ttl), timer: time.AfterFunc(ttl, func() { s.end(id) }), ended: make(chan struct{})}
	s.leases[id] = l
	return id, l
}

// Renew implements registry.Store.
func (s *Store) Renew(ctx context.Context, id registry.LeaseID) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.leases[id]
	if l == nil || !l.timer.Stop() {
		return registry.ErrLeaseEnded
	}
	l.timer.Reset(l.ttl)
	l.ends = time.Now().Add(l.ttl)
	return nil
}

// Remaining implements registry.Store.
func (s *Store) Remaining(_ context.Context, id registry.LeaseID) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.leases[id]
	if l == nil {
		return 0, registry.ErrLeaseEnded
	}
	return time.Until(l.ends), nil
}

// Revoke implements registry.Store.
func (s *Store) Revoke(_ context.Context, id registry.LeaseID) error {
	s.end(id)
	return nil
}

// end removes a lease and its keys.
func (s *Store) end(id registry.LeaseID) {
	s.mu.Lock()
	l := s.leases[id]
	delete(s.leases, id)
	s.mu.Unlock()
	if l == nil {
		return
	}
	l.timer.Stop()
	s.drop(func(e registry.Entry) bool { return e.Lease == id })
	close(l.ended)
}

// Campaign implements registry.Store. The election is won by the oldest key
// under the prefix.
func (s *Store) Campaign(ctx context.Context, prefix string, value []byte, ttl time.Duration) (*registry.Term, error) {
	id, lease := s.grant(ttl)
	key := fmt.Sprintf("%s/%016x", prefix, id)
	if err := s.Put(ctx, key, value, id); err != nil {
		return nil, err
	}
	go s.keep(ctx, id, lease)
	for {
		s.mu.Lock()
		first, next := oldest(s.under(prefix+"/")), s.changed
		s.mu.Unlock()
		if first.Key == key {
			return &registry.Term{
				Leadership: registry.Leadership{Key: key, Revision: first.Created}, Lost: lease.ended,
				Resign: func(ctx context.Context) error { return s.Revoke(ctx, id) },
			}, nil
		}
		select {
		case <-next:
		case <-lease.ended:
			return nil, fmt.Errorf("campaign: %w", registry.ErrLeaseEnded)
		case <-ctx.Done():
			s.end(id)
			return nil, fmt.Errorf("campaign: %w", ctx.Err())
		}
	}
}

// keep renews a lease until ctx or the lease ends.
func (s *Store) keep(ctx context.Context, id registry.LeaseID, l *lease) {
	renew := time.NewTicker(l.ttl / 3)
	defer renew.Stop()
	for {
		select {
		case <-renew.C:
			_ = s.Renew(ctx, id) // a lease that ended closes ended
		case <-l.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

func oldest(entries []registry.Entry) (first registry.Entry) {
	for _, e := range entries {
		if first.Key == "" || e.Created < first.Created {
			first = e
		}
	}
	return first
}
