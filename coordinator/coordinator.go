package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Config describes a coordinator. All coordinators of a cluster should have the
// same Policy, Replicas, Redundant and Expect: whichever leads plans by its own values, so
// different values would move experts at an election.
type Config struct {
	ID         string
	Addr       string // of its service, as others reach it
	GossipAddr string
	Policy     planner.Policy
	Replicas   int
	Redundant  int           // copies more that a layer's busiest experts share
	Expect     int           // nodes to wait for before the first placement
	TTL        time.Duration // of node records
	Registry   *registry.Registry
	// Alive is what gossip says of a node. It is a hint: it delays the eviction of
	// a node without a record, and changes nothing for a node with one. Run and
	// service calls use it at the same time.
	Alive func(moe.NodeID) bool
	// Heard are the nodes of which gossip says so: when etcd came back empty and all of
	// them are registered again, none is waited for. Nil is none.
	Heard func() []moe.NodeID
	// Silent reports that gossip heard a node and hears it no more. It is for readers of
	// the status only: no decision uses it. Nil is none.
	Silent func(moe.NodeID) bool
	// Reissued gets a signal when the records of this coordinator should be signed
	// again; nil gets none.
	Reissued <-chan struct{}
	Logger   *slog.Logger // nil is silent
}

// Coordinator leads, or waits to lead.
type Coordinator struct {
	hachiv1.UnimplementedCoordinatorServiceServer
	cfg Config
	// floor is the highest epoch seen in any term. It outlives the term, so that
	// an etcd that comes back empty does not make epochs start again. Only Run's
	// goroutine uses it.
	floor moe.Epoch
	// planning lets one PlanPlacement compute at a time.
	planning sync.Mutex
	// looking has one element while GetStatus computes, which one call does at a time.
	looking chan struct{}
	writes  *episode.Log // faults of writes to etcd

	mu       sync.Mutex                 // guards snapshot
	snapshot *hachiv1.GetStatusResponse // nil unless leading
}

// New makes a coordinator that does nothing until Run.
func New(cfg Config) *Coordinator {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Coordinator{cfg: cfg, looking: make(chan struct{}, 1), writes: episode.New(cfg.Logger, slog.LevelWarn, "etcd write failed, will re-read and retry", "etcd takes writes again", "store", episode.State)}
}

const (
	// tick is the time between decisions while no record changes: the end of a
	// grace or of a patience is noticed at most one tick late.
	tick = 200 * time.Millisecond
	// campaignWait is the time between campaigns, so that a failing etcd is not
	// flooded.
	campaignWait = 500 * time.Millisecond
	// writeTimeout bounds the writes of one step. It is well below the lease of
	// the election (5 s): a write that hangs does not use up the term.
	writeTimeout = 2 * time.Second
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
//
// The end of a term has an order: no more writes, no more snapshot, watcher
// joined, election key deleted. A standby therefore leads only after this
// process has stopped deciding, or after the lease has ended.
func (c *Coordinator) term(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	end := func() { cancel(nil); watching.Wait() }
	defer end()
	watch := func(signal <-chan struct{}, why error) {
		watching.Go(func() {
			select {
			case <-signal:
				cancel(why)
			case <-ctx.Done():
			}
		})
	}
	watch(c.cfg.Reissued, errReissued)
	term, err := c.cfg.Registry.Campaign(ctx, &hachiv1.CoordinatorRecord{
		CoordinatorId: c.cfg.ID, Addr: c.cfg.Addr, GossipAddr: c.cfg.GossipAddr,
	})
	if err == nil {
		defer c.resign(ctx, term)
		defer end()
		// The end of the lease stops the watches and a write in flight early. Safety
		// does not need it: the write would be fenced.
		watch(term.Lost, registry.ErrLeaseEnded)
		c.cfg.Logger.Info("leading", "id", c.cfg.ID)
		defer c.publish(nil)
		err = c.lead(ctx, term.Leadership)
	}
	if errors.Is(context.Cause(ctx), errReissued) {
		return nil
	}
	return err
}

// errReissued ends a term or a candidacy whose record should be signed again.
var errReissued = errors.New("another authority has issued the certificate")

// resign gives leadership back at once, if the registry can be reached.
func (c *Coordinator) resign(ctx context.Context, term *registry.Term) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := term.Resign(ctx); err != nil {
		c.cfg.Logger.Debug("leadership is not given back, its lease ends by itself", "err", err)
	}
}
