package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func TestStatusOfARunningCluster(t *testing.T) {
	var dir string
	cluster := startCluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Placement = 2, role.PlacementConfig{Policy: "balanced", Replicas: 1}
		dir = c.DataDir
	})
	mustCompleteAll(t, cluster.URL(), 8)
	var got client.Status
	// The leader measures between two records of the router.
	eventually(t, "the load is measured", func() bool {
		mustCompleteAll(t, cluster.URL(), 2)
		code, said := runRole(t, "status", "--data-dir", dir, "--json")
		if code != 0 {
			t.Fatalf("status %d: %s", code, said)
		}
		got = client.Status{}
		if err := json.Unmarshal([]byte(said), &got); err != nil {
			t.Fatalf("%v in %s", err, said)
		}
		return len(got.Busiest) > 0
	})
	if got.Leader != "coordinator-0" || got.Degraded != "" || len(got.Nodes) != 2 || len(got.Routers) != 1 || got.Routers[0].Acked != got.Epoch {
		t.Errorf("status %+v", got)
	}
	if code, said := runRole(t, "status", "--data-dir", dir); code != 0 || !strings.Contains(said, "coordinator-0 leads") {
		t.Errorf("status %d:\n%s", code, said)
	}
	if code, said := runRole(t, "drain", "expert-1", "--data-dir", dir, "--wait"); code != 0 || !strings.Contains(said, "holds nothing") {
		t.Errorf("drain %d: %s", code, said)
	}
	view := mustView(t, cluster)
	if nodes := view.Placement.Nodes(); len(nodes) != 1 || nodes[0].Node != "expert-0" {
		t.Errorf("after the drain %v serve", nodes)
	}
	if code, said := runRole(t, "drain", "expert-9", "--data-dir", dir); code == 0 || !strings.Contains(said, `no node is called "expert-9"`) {
		t.Errorf("drain of an unknown node %d: %s", code, said)
	}
	if code, said := runRole(t, "drain", "expert-1", "--data-dir", dir, "--undo"); code != 0 {
		t.Errorf("undo %d: %s", code, said)
	}
	eventually(t, "both serve again", func() bool { return len(mustView(t, cluster).Placement.Nodes()) == 2 })
}

func TestStatusWithoutEtcdSaysSo(t *testing.T) {
	closed := freeAddress(t)
	for _, args := range [][]string{{"status"}, {"drain", "expert-0"}} {
		code, said := runRole(t, append(args, "--etcd", closed)...)
		if want := "etcd at " + closed + " does not answer"; code != 1 || !strings.Contains(said, want) {
			t.Errorf("%v: %d, %q, want %q", args, code, said, want)
		}
		code, said = runRole(t, append(args, "--data-dir", t.TempDir())...)
		if code != 1 || !strings.Contains(said, "no `hachi up` runs on") {
			t.Errorf("%v: %d, %q", args, code, said)
		}
	}
}
