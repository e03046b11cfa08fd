package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/hachi-serve/hachi/cluster/registry"
	"github.com/hachi-serve/hachi/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Config describes a coordinator.
type Config struct {
	ID       string
	Policy   planner.Policy
	Replicas int
	Expect   int           // nodes to wait for before the first placement
	TTL      time.Duration // of node records
	Registry *registry.Registry
	// Alive is what gossip says of a node.
	Alive  func(moe.NodeID) bool
	Logger *slog.Logger
}

// Coordinator leads, or waits to lead.
type Coordinator struct {
	hachiv1.UnimplementedCoordinatorServiceServer
	cfg Config

	mu       sync.Mutex // guards the fields below
	leading  bool
	snapshot *hachiv1.GetStatusResponse
}

// New makes a coordinator; Run makes it work.
func New(cfg Config) *Coordinator {
	return &Coordinator{cfg: cfg, snapshot: &hachiv1.GetStatusResponse{CoordinatorId: cfg.ID}}
}

const (
	// electionTTL bounds how long a dead leader keeps a standby waiting.
	electionTTL = 5 // seconds
	tick        = 200 * time.Millisecond
	// formationPatience bounds the wait for all expected nodes.
	formationPatience = 60 * time.Second
	writeTimeout      = 2 * time.Second
)

// Run campaigns and leads until ctx ends. It never gives up on etcd.
func (c *Coordinator) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.term(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("not leading", "err", err)
		}
		c.setLeading(false)
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

// term campaigns once and leads until the session or ctx ends.
func (c *Coordinator) term(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	grantCtx, grantCancel := context.WithTimeout(ctx, writeTimeout)
	lease, err := c.cfg.Registry.Client().Grant(grantCtx, electionTTL)
	grantCancel()
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	session, err := concurrency.NewSession(c.cfg.Registry.Client(), concurrency.WithLease(lease.ID), concurrency.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	defer func() {
		revoke, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		session.Orphan()
		_, _ = c.cfg.Registry.Client().Revoke(revoke, lease.ID)
	}()
	go func() {
		select {
		case <-session.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	election := concurrency.NewElection(session, c.cfg.Registry.ElectionKey())
	if err := election.Campaign(ctx, c.cfg.ID); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	c.cfg.Logger.Info("leading", "id", c.cfg.ID)
	c.setLeading(true)
	return c.lead(ctx, registry.Leadership{Key: election.Key(), Revision: election.Rev()})
}

// lead follows the records and writes what the state decides.
func (c *Coordinator) lead(ctx context.Context, l registry.Leadership) error {
	written, err := c.read(ctx)
	if err != nil {
		return err
	}
	reg := c.cfg.Registry
	s := newState(rules{policy: c.cfg.Policy, replicas: c.cfg.Replicas, expect: c.cfg.Expect, ttl: c.cfg.TTL, patience: formationPatience},
		time.Now(), c.cfg.Alive)
	s.adopt(written.Target, written.TargetKnown, written.Placement)
	nodes, routers, drains := reg.WatchNodes(ctx), reg.WatchRouters(ctx), reg.WatchDrains(ctx)
	clock := time.NewTicker(tick)
	defer clock.Stop()
	seen := false
	for {
		select {
		case <-ctx.Done():
			return errors.New("leadership ended")
		case records := <-nodes:
			s.observeNodes(records, time.Now())
			seen = true
		case s.routers = <-routers:
		case ids := <-drains:
			s.observeDrains(ids)
		case <-clock.C:
		}
		if ctx.Err() != nil || !seen {
			continue
		}
		if err := c.write(ctx, l, &written, s); err != nil {
			return err
		}
		c.publish(s)
	}
}

func (c *Coordinator) read(ctx context.Context) (registry.State, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.cfg.Registry.ReadState(ctx)
}

// write carries out what the state decides.
func (c *Coordinator) write(ctx context.Context, l registry.Leadership, written *registry.State, s *state) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	w := s.decide(time.Now())
	if w.target != nil {
		if err := c.cfg.Registry.WriteTarget(ctx, l, written, *w.target); err != nil {
			return fmt.Errorf("write target: %w", err)
		}
		c.cfg.Logger.Info("target written", "epoch", w.target.Epoch)
	}
	if w.placement != nil {
		if err := c.cfg.Registry.WritePlacement(ctx, l, written, w.placement); err != nil {
			return fmt.Errorf("publish placement: %w", err)
		}
		c.cfg.Logger.Info("placement published", "epoch", w.placement.Epoch())
	}
	s.adopt(written.Target, written.TargetKnown, written.Placement)
	return nil
}

func (c *Coordinator) setLeading(leading bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading = leading
}
