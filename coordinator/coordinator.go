package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Config describes a coordinator.
type Config struct {
	ID         string
	Addr       string // of its service, as others reach it
	GossipAddr string
	Policy     planner.Policy
	Replicas   int
	Expect     int           // nodes to wait for before the first placement
	TTL        time.Duration // of node records
	Registry   *registry.Registry
	// Alive is what gossip says of a node.
	Alive  func(moe.NodeID) bool
	Logger *slog.Logger
}

// Coordinator leads, or waits to lead.
type Coordinator struct {
	hachiv1.UnimplementedCoordinatorServiceServer
	cfg   Config
	floor moe.Epoch // highest epoch seen in any term; Run's goroutine only

	mu       sync.Mutex                 // guards snapshot
	snapshot *hachiv1.GetStatusResponse // nil unless leading
}

// New makes a coordinator; Run makes it work.
func New(cfg Config) *Coordinator { return &Coordinator{cfg: cfg} }

const (
	// electionTTL bounds how long a dead leader keeps a standby waiting.
	electionTTL  = 5 // seconds
	tick         = 200 * time.Millisecond
	campaignWait = 500 * time.Millisecond
	writeTimeout = 2 * time.Second
)

// Run campaigns and leads until ctx ends. It never gives up on etcd.
func (c *Coordinator) Run(ctx context.Context) error {
	last := ""
	for ctx.Err() == nil {
		if err := c.term(ctx); err != nil && ctx.Err() == nil && err.Error() != last {
			last = err.Error() // an outage is told once
			c.cfg.Logger.Warn("not leading", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(campaignWait):
		}
	}
	return nil
}

// term campaigns once and leads until the session or ctx ends.
func (c *Coordinator) term(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	session, err := c.session(ctx)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	defer c.end(ctx, session)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-session.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-watching }()
	card, err := proto.Marshal(&hachiv1.CoordinatorRecord{CoordinatorId: c.cfg.ID, Addr: c.cfg.Addr, GossipAddr: c.cfg.GossipAddr})
	if err != nil {
		return err
	}
	election := concurrency.NewElection(session, c.cfg.Registry.ElectionKey())
	if err := election.Campaign(ctx, string(card)); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	c.cfg.Logger.Info("leading", "id", c.cfg.ID)
	defer c.publish(nil)
	return c.lead(ctx, registry.Leadership{Key: election.Key(), Revision: election.Rev()})
}

// session is a lease that is kept alive until ctx ends.
func (c *Coordinator) session(ctx context.Context) (*concurrency.Session, error) {
	client := c.cfg.Registry.Client()
	grant, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	lease, err := client.Grant(grant, electionTTL)
	if err != nil {
		return nil, err
	}
	return concurrency.NewSession(client, concurrency.WithLease(lease.ID), concurrency.WithContext(ctx))
}

// end gives leadership back at once, if etcd can be reached.
func (c *Coordinator) end(ctx context.Context, session *concurrency.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	session.Orphan()
	if _, err := c.cfg.Registry.Client().Revoke(ctx, session.Lease()); err != nil {
		c.cfg.Logger.Debug("leadership is not given back, its lease ends by itself", "err", err)
	}
}
