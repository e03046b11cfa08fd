package e2e

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

func TestNodesJoinDrainAndLeaveUnderLoad(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	for _, policy := range []string{"column", "balanced"} {
		t.Run(policy, func(t *testing.T) {
			var dir string
			cluster := hachi.Cluster(t, func(c *local.UpConfig) {
				c.Nodes, c.Placement.Policy, dir = 2, policy, c.DataDir
			})
			placed := func(names ...moe.NodeID) func() bool {
				return func() bool { return cluster.PlacedOn(t, names...) }
			}
			cluster.UnderLoad(t, func() {
				hachi.Start(t, append(cluster.Security(t, identity.Expert, "expert-2"), "expertnode", "--id", "expert-2", "--model", hachi.Model, "--listen", "127.0.0.1:0",
					"--etcd", cluster.Endpoints()[0])...)
				eventually.True(t, "the new node serves", placed("expert-0", "expert-1", "expert-2"))
				if status, output := hachi.Run(t, "drain", "expert-0", "--data-dir", dir, "--wait"); status != 0 {
					t.Errorf("drain %d: %s", status, output)
				}
				eventually.True(t, "the drained node serves nothing", placed("expert-1", "expert-2"))
				cluster.Terminate(t, "expert-1")
				eventually.True(t, "the node that leaves serves nothing", placed("expert-2"))
				eventually.True(t, "its record is gone", func() bool { return len(cluster.View(t).Nodes) == 2 })
			})
		})
	}
}

func TestRollingRestartOfEveryNode(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Restart, c.Placement.Replicas = true, 2 })
	allServe := func() bool { return cluster.PlacedOn(t, "expert-0", "expert-1", "expert-2") }
	eventually.True(t, "all nodes serve", allServe)
	cluster.UnderLoad(t, func() {
		for _, name := range []string{"expert-0", "expert-1", "expert-2"} {
			before := cluster.Node(t, name).GetStartedUnixNano()
			cluster.Terminate(t, name)
			eventually.True(t, name+" is another process", func() bool {
				r := cluster.Node(t, name)
				return r != nil && r.GetStartedUnixNano() != before
			})
			eventually.True(t, name+" serves again, and no replica is missing", func() bool {
				seen, err := cluster.View(t).AskStatus(t.Context())
				return err == nil && seen.GetDegraded() == "" && allServe()
			})
		}
	})
}
