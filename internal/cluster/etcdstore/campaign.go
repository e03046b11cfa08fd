package etcdstore

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// grantTimeout bounds the grant and the return of an election's lease.
const grantTimeout = 2 * time.Second

// Campaign implements registry.Store.
func (s *Store) Campaign(ctx context.Context, prefix string, value []byte, ttl time.Duration) (*registry.Term, error) {
	grant, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	lease, err := s.Grant(grant, ttl)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	session, err := concurrency.NewSession(s.cli, concurrency.WithLease(clientv3.LeaseID(lease)), concurrency.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	election := concurrency.NewElection(session, prefix)
	if err := elect(ctx, session, election, value); err != nil {
		if end := s.resign(ctx, session); end != nil {
			s.logger.Debug("candidacy is not withdrawn, its lease ends by itself", "err", end)
		}
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return &registry.Term{
		Leadership: registry.Leadership{Key: election.Key(), Revision: election.Rev()}, Lost: session.Done(),
		Resign: func(ctx context.Context) error { return s.resign(ctx, session) },
	}, nil
}

// elect campaigns until the election is won, the session ends or ctx ends. A campaign
// that is over withdraws its candidacy, and waits for etcd without end while etcd is
// away: elect does not wait for longer than grantTimeout, and the client's end ends it.
func elect(ctx context.Context, session *concurrency.Session, election *concurrency.Election, value []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-session.Done():
			cancel(registry.ErrLeaseEnded)
		case <-ctx.Done():
		}
	}()
	campaigned := make(chan error, 1)
	go func() { campaigned <- election.Campaign(ctx, string(value)) }()
	var err error
	select {
	case err = <-campaigned:
	case <-ctx.Done():
		select {
		case err = <-campaigned:
		case <-time.After(grantTimeout):
			err = context.Cause(ctx)
		}
	}
	cancel(nil)
	<-watching
	return err
}

// resign gives the lease back, if etcd can be reached.
func (s *Store) resign(ctx context.Context, session *concurrency.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grantTimeout)
	defer cancel()
	session.Orphan()
	return s.Revoke(ctx, registry.LeaseID(session.Lease()))
}
