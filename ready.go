package hachi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// readyEvery is how often a start asks whether the router is ready.
const readyEvery = 5 * time.Millisecond

// ready waits until the router accepts requests under a whole placement, or a
// role fails.
func (c *Cluster) ready(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	poll := time.NewTicker(readyEvery)
	defer poll.Stop()
	routers, placements := c.registry.WatchRouters(ctx), c.registry.WatchPlacement(ctx)
	router := &hachiv1.RouterRecord{}
	var placement *moe.Placement
	for {
		select {
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not ready: %w", ctx.Err())
		case records := <-routers:
			if len(records) > 0 {
				router = records[0]
				c.url = "http://" + router.GetHttpAddr()
			}
		case p := <-placements:
			if whole(p, c.cfg.Replicas) {
				placement = p
			}
		case <-poll.C:
			used := placement != nil && router.GetAckedEpoch() >= uint64(placement.Epoch())
			if used && c.Client().Ready(ctx) == nil {
				return c.findLeader(ctx)
			}
		}
	}
}

// findLeader notes the address of the coordinator: one that has placed experts
// is registered.
func (c *Cluster) findLeader(ctx context.Context) error {
	coordinators, err := c.registry.Coordinators(ctx)
	if err != nil || len(coordinators) == 0 {
		return errors.Join(errors.New("no coordinator leads"), err)
	}
	c.leader = coordinators[0].GetAddr()
	return nil
}

// whole reports that every expert has its replicas.
func whole(p *moe.Placement, replicas int) bool {
	if p == nil {
		return false
	}
	for _, id := range p.Topology().All() {
		if len(p.Replicas(id)) < replicas {
			return false
		}
	}
	return true
}
