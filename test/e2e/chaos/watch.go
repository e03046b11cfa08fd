package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
)

// watch looks at the records of the cluster until ctx ends and notes what must not be.
func watch(ctx context.Context, cluster *local.Cluster, t *Timeline) {
	var last, absent moe.Epoch
	runs := map[string]run{}
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
			// Nodes and placement are read one after another: only what is seen twice
			// was so at one moment.
			for _, n := range view.Nodes {
				if runs[n.GetNodeId()].started != n.GetStartedUnixNano() {
					runs[n.GetNodeId()] = run{n.GetStartedUnixNano(), p.Epoch()}
				}
			}
			err := resident(view, runs)
			if err != nil && absent == p.Epoch() {
				t.Fault("epoch %d: %v", p.Epoch(), err)
			}
			if absent = 0; err != nil {
				absent = p.Epoch()
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

// run is one process of a node, and the epoch at which it was first seen. A process that
// starts again keeps its address: that epoch and older ones may name its predecessor.
type run struct {
	started int64
	since   moe.Epoch
}

// resident says which expert is placed on a registered process that does not hold it.
func resident(view status.View, runs map[string]run) error {
	for _, n := range view.Nodes {
		if view.Placement.Epoch() <= runs[n.GetNodeId()].since {
			continue
		}
		held, err := moepb.ShardFromProto(n.GetResident())
		if err != nil {
			return fmt.Errorf("%s: %w", n.GetNodeId(), err)
		}
		for _, id := range view.Placement.Topology().All() {
			for _, r := range view.Placement.Replicas(id) {
				if r.Addr == n.GetAddr() && string(r.Node) == n.GetNodeId() && !held.Has(id) {
					return fmt.Errorf("expert %v is placed on %s, which does not hold it", id, r.Node)
				}
			}
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
	case len(view.Nodes) != nodes:
		return fmt.Errorf("%d nodes are registered, want %d", len(view.Nodes), nodes)
	case view.Served() < replicas:
		return fmt.Errorf("an expert has %d of %d replicas", view.Served(), replicas)
	}
	return nil
}
