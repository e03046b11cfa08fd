package hachi

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Nodes are the names of the expert nodes that run, in natural order.
func (c *Cluster) Nodes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Keys(c.nodes), func(a, b string) int { return planner.Natural(moe.NodeID(a), moe.NodeID(b)) })
}

// Kill ends an expert node as kill -9 ends a process, and with Config.Binary by
// that signal: the node's calls fail, and its record stays until its lease ends.
func (c *Cluster) Kill(node string) error {
	c.mu.Lock()
	t := c.nodes[node]
	delete(c.nodes, node)
	c.mu.Unlock()
	if t == nil {
		return fmt.Errorf("kill %s: no such node runs", node)
	}
	t.end(role.ErrKilled)
	return nil
}

// Drain moves the experts of a node to other nodes and returns when the node
// holds none: it can be killed then without a loss.
func (c *Cluster) Drain(ctx context.Context, node string) error {
	if err := c.Client().Drain(ctx, node); err != nil {
		return fmt.Errorf("drain %s: %w", node, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for nodes := range c.registry.WatchNodes(ctx) {
		holds := func(r *hachiv1.NodeRecord) bool {
			return r.GetNodeId() == node && len(r.GetResident().GetRanges()) > 0
		}
		if !slices.ContainsFunc(nodes.Records, holds) {
			return nil
		}
	}
	return fmt.Errorf("drain %s: %w", node, ctx.Err())
}

// Status describes the cluster: its nodes, placement and load.
func (c *Cluster) Status(ctx context.Context) (*client.Status, error) { return c.Client().Status(ctx) }
