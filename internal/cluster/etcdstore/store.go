package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// Store implements registry.Store.
type Store struct {
	cli    *clientv3.Client
	lines  *lines
	secure bool // by TLS
	logger *slog.Logger
}

const (
	maxBackoff = time.Second
	// callTimeout bounds one call: a healthy etcd answers in milliseconds.
	callTimeout = 3 * time.Second
)

// Dial makes a store. Dial does not wait for an etcd to be there. Nil credentials
// are plaintext.
func Dial(endpoints []string, by credentials.TransportCredentials, logger *slog.Logger) (*Store, error) {
	secure := by != nil
	if !secure {
		by = insecure.NewCredentials()
	}
	lines := newLines()
	cli, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, Logger: zap.NewNop(), DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 3 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithTransportCredentials(by), grpc.WithContextDialer(lines.dial), grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff},
			MinConnectTimeout: callTimeout,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Store{cli: cli, lines: lines, secure: secure, logger: logger}, nil
}

// Client is the etcd client below the store.
func (s *Store) Client() *clientv3.Client { return s.cli }

// Close closes the client.
func (s *Store) Close() error { return s.cli.Close() }

// Get implements registry.Store.
func (s *Store) Get(ctx context.Context, prefixes ...string) ([]registry.Entry, error) {
	gets := make([]clientv3.Op, len(prefixes))
	for i, prefix := range prefixes {
		gets[i] = clientv3.OpGet(prefix, clientv3.WithPrefix())
	}
	var resp *clientv3.TxnResponse
	err := retry(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.Txn(ctx).Then(gets...).Commit()
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []registry.Entry
	for _, r := range resp.Responses {
		for _, kv := range r.GetResponseRange().Kvs {
			out = append(out, entry(kv))
		}
	}
	return out, nil
}

func entry(kv *mvccpb.KeyValue) registry.Entry {
	return registry.Entry{
		Key: string(kv.Key), Value: kv.Value, Lease: registry.LeaseID(kv.Lease), Created: kv.CreateRevision, Modified: kv.ModRevision,
	}
}

// Put implements registry.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, lease registry.LeaseID) error {
	return leaseError(retry(ctx, s, func(ctx context.Context) error {
		_, err := s.cli.Put(ctx, key, string(value), clientv3.WithLease(clientv3.LeaseID(lease)))
		return err
	}))
}

// Delete implements registry.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return retry(ctx, s, func(ctx context.Context) error {
		_, err := s.cli.Delete(ctx, key)
		return err
	})
}

// Clear implements registry.Store.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	_, err := s.cli.Delete(ctx, prefix, clientv3.WithPrefix())
	return err
}

// Commit implements registry.Store.
func (s *Store) Commit(ctx context.Context, guards []registry.Guard, key string, value []byte, lease registry.LeaseID) (int64, error) {
	compares := make([]clientv3.Cmp, len(guards))
	for i, g := range guards {
		revision := clientv3.ModRevision(g.Key)
		if g.Created {
			revision = clientv3.CreateRevision(g.Key)
		}
		compares[i] = clientv3.Compare(revision, "=", g.Revision)
	}
	put := clientv3.OpPut(key, string(value), clientv3.WithLease(clientv3.LeaseID(lease)))
	var resp *clientv3.TxnResponse
	err := once(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.Txn(ctx).If(compares...).Then(put).Commit()
		return err
	})
	if err != nil {
		return 0, leaseError(err)
	}
	if !resp.Succeeded {
		return 0, registry.ErrFenced
	}
	return resp.Header.Revision, nil
}

// Grant implements registry.Store. etcd counts a TTL in seconds. A lease whose grant was
// not answered ends by itself.
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (registry.LeaseID, error) {
	var resp *clientv3.LeaseGrantResponse
	err := retry(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.Grant(ctx, int64(max(1, ttl.Seconds())))
		return err
	})
	if err != nil {
		return 0, s.Explain(err)
	}
	return registry.LeaseID(resp.ID), nil
}

// Renew implements registry.Store.
func (s *Store) Renew(ctx context.Context, lease registry.LeaseID) error {
	var resp *clientv3.LeaseKeepAliveResponse
	err := retry(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.KeepAliveOnce(ctx, clientv3.LeaseID(lease))
		return err
	})
	if err == nil && resp.TTL <= 0 {
		return registry.ErrLeaseEnded
	}
	return leaseError(err)
}

// Remaining implements registry.Store.
func (s *Store) Remaining(ctx context.Context, lease registry.LeaseID) (time.Duration, error) {
	var resp *clientv3.LeaseTimeToLiveResponse
	err := retry(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.TimeToLive(ctx, clientv3.LeaseID(lease))
		return err
	})
	if err != nil {
		return 0, leaseError(err)
	}
	if resp.TTL < 0 {
		return 0, registry.ErrLeaseEnded
	}
	return time.Duration(resp.TTL) * time.Second, nil
}

// Revoke implements registry.Store.
func (s *Store) Revoke(ctx context.Context, lease registry.LeaseID) error {
	return retry(ctx, s, func(ctx context.Context) error {
		_, err := s.cli.Revoke(ctx, clientv3.LeaseID(lease))
		return err
	})
}

func leaseError(err error) error {
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return registry.ErrLeaseEnded
	}
	return err
}
