package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

func TestStatusOfARunningCluster(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Placement = 2, role.PlacementConfig{Policy: "balanced", Replicas: 1}
		dir = c.DataDir
	})
	harness.MustCompleteAll(t, cluster.URL(), 8)
	var got client.Status
	// The leader measures between two records of the router.
	eventually.True(t, "the load is measured", func() bool {
		harness.MustCompleteAll(t, cluster.URL(), 2)
		status, output := hachi.Run(t, "status", "--data-dir", dir, "--json")
		if status != 0 {
			t.Fatalf("status %d: %s", status, output)
		}
		got = client.Status{}
		if err := json.Unmarshal([]byte(output), &got); err != nil {
			t.Fatalf("%v in %s", err, output)
		}
		return len(got.Busiest) > 0
	})
	if got.Leader != "coordinator-0" || got.Degraded != "" || len(got.Nodes) != 2 || len(got.Routers) != 1 || got.Routers[0].Acked != got.Epoch {
		t.Errorf("status %+v", got)
	}
	if status, output := hachi.Run(t, "status", "--data-dir", dir); status != 0 || !strings.Contains(output, "coordinator-0 leads") {
		t.Errorf("status %d:\n%s", status, output)
	}
	if status, output := hachi.Run(t, "drain", "expert-1", "--data-dir", dir, "--wait"); status != 0 || !strings.Contains(output, "holds nothing") {
		t.Errorf("drain %d: %s", status, output)
	}
	view := cluster.View(t)
	if nodes := view.Placement.Nodes(); len(nodes) != 1 || nodes[0].Node != "expert-0" {
		t.Errorf("after the drain %v serve", nodes)
	}
	if status, output := hachi.Run(t, "drain", "expert-9", "--data-dir", dir); status == 0 || !strings.Contains(output, `no node is called "expert-9"`) {
		t.Errorf("drain of an unknown node %d: %s", status, output)
	}
	if status, output := hachi.Run(t, "drain", "expert-1", "--data-dir", dir, "--undo"); status != 0 {
		t.Errorf("undo %d: %s", status, output)
	}
	eventually.True(t, "both serve again", func() bool { return len(cluster.View(t).Placement.Nodes()) == 2 })
}
