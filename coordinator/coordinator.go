package coordinator

import (
	"context"
	"log/slog"
	"sync"
	"time"

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
	Logger *slog.Logger // nil is silent
}

// Coordinator leads, or waits to lead.
type Coordinator struct {
	hachiv1.UnimplementedCoordinatorServiceServer
	cfg   Config
	floor moe.Epoch // highest epoch seen in any term; Run's goroutine only

	mu       sync.Mutex                 // guards snapshot
	snapshot *hachiv1.GetStatusResponse // nil unless leading
}

// New makes a coordinator that does nothing until Run.
func New(cfg Config) *Coordinator {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Coordinator{cfg: cfg}
}

const (
	tick         = 200 * time.Millisecond // between decisions without a change of records
	campaignWait = 500 * time.Millisecond // between campaigns, so that a failing etcd is not flooded
	writeTimeout = 2 * time.Second        // well below the lease of the election
)

// Run campaigns and leads until ctx ends. An error of etcd ends a term, never
// Run: a placement that works needs no coordinator.
func (c *Coordinator) Run(ctx context.Context) error {
	last := ""
	for ctx.Err() == nil {
		if err := c.term(ctx); err != nil && ctx.Err() == nil && err.Error() != last {
			last = err.Error() // an outage is logged once
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
	term, err := c.cfg.Registry.Campaign(ctx, &hachiv1.CoordinatorRecord{
		CoordinatorId: c.cfg.ID, Addr: c.cfg.Addr, GossipAddr: c.cfg.GossipAddr,
	})
	if err != nil {
		return err
	}
	defer c.resign(ctx, term)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-term.Lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-watching }()
	c.cfg.Logger.Info("leading", "id", c.cfg.ID)
	defer c.publish(nil)
	return c.lead(ctx, term.Leadership)
}

// resign gives leadership back at once, if the registry can be reached.
func (c *Coordinator) resign(ctx context.Context, term *registry.Term) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := term.Resign(ctx); err != nil {
		c.cfg.Logger.Debug("leadership is not given back, its lease ends by itself", "err", err)
	}
}
