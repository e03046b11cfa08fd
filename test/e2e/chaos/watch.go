package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
)

// watch looks at the placement until ctx ends and notes what must not be.
func watch(ctx context.Context, cluster *local.Cluster, t *Timeline) {
	var last moe.Epoch
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, time.Second)
		view, err := cluster.View(within)
		cancel()
		if err == nil && view.Placement != nil {
			p := view.Placement
			if p.Epoch() < last {
				t.Fault("the epoch fell from %d to %d", last, p.Epoch())
			}
			if p.Epoch() > last {
				t.Note("placement of epoch %d on %d nodes", p.Epoch(), len(p.Nodes()))
			}
			last = max(last, p.Epoch())
			if err := wellFormed(p); err != nil {
				t.Fault("epoch %d: %v", p.Epoch(), err)
			}
		}
		wait(ctx, time.Second/4)
	}
}

// wellFormed says which expert is placed twice on one node, or nowhere.
func wellFormed(p *moe.Placement) error {
	for _, id := range p.Topology().All() {
		seen := map[moe.NodeID]bool{}
		for _, r := range p.Replicas(id) {
			if seen[r.Node] {
				return fmt.Errorf("expert %v is placed twice on %s", id, r.Node)
			}
			seen[r.Node] = true
		}
		if len(seen) == 0 {
			return fmt.Errorf("expert %v is placed nowhere", id)
		}
	}
	return nil
}

// whole says what is missing until every expert has its replicas where registered
// processes serve; nil when nothing is.
func whole(ctx context.Context, cluster *local.Cluster, nodes, replicas int) error {
	view, err := cluster.View(ctx)
	switch {
	case err != nil:
		return err
	case view.Placement == nil:
		return fmt.Errorf("there is no placement")
	case len(view.Nodes) != nodes:
		return fmt.Errorf("%d nodes are registered, want %d", len(view.Nodes), nodes)
	}
	return served(view, replicas)
}

func served(view status.View, replicas int) error {
	address := map[moe.NodeID]string{}
	for _, n := range view.Nodes {
		address[moe.NodeID(n.GetNodeId())] = n.GetAddr()
	}
	for _, id := range view.Placement.Topology().All() {
		n := 0
		for _, r := range view.Placement.Replicas(id) {
			if address[r.Node] == r.Addr {
				n++
			}
		}
		if n < replicas {
			return fmt.Errorf("expert %v has %d of %d replicas", id, n, replicas)
		}
	}
	return nil
}
