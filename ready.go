package hachi

import (
	"context"
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
				return nil
			}
		}
	}
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
