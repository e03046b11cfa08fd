package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

func TestKilledNodeWithReplicas(t *testing.T) {
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	cluster.DuringAnswers(t, func() { cluster.Kill(t, "expert-1") })
}

func TestKilledNodeWithoutReplicas(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.TTL = harness.ShortTTL })
	cluster.DuringAnswers(t, func() { cluster.Kill(t, "expert-1") })
	for _, n := range cluster.View(t).Placement.Nodes() {
		if n.Node == "expert-1" {
			t.Error("the dead node is still in the placement")
		}
	}
}

// TestStoppedNode stops a node without ending its process: no connection breaks,
// so the router must notice by the time that an answer takes. A round in which no
// call was on its way to the node proves nothing: the next round repeats it.
func TestStoppedNode(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const rounds = 10
	for range rounds {
		report, err := failover.Run(t.Context(), failover.Config{
			Up:    hachi.Config(t, func(c *local.UpConfig) { c.Nodes, c.Placement.Replicas = 4, 2 }),
			Fault: failover.Stop, StopFor: 2 * time.Second, Streams: 8, Tokens: 24, Repeat: 2, Seed: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("stalls %+v, noticed %d times", report.Stall, report.Noticed)
		if report.Noticed > 0 {
			return
		}
	}
	t.Errorf("in %d rounds the router never noticed that a node had stopped", rounds)
}

// TestEtcdGoneForLongerThanEveryLease keeps the default leases, and the cluster
// under load all the time: before, without etcd, and until every wait of the
// coordinator is over.
func TestEtcdGoneForLongerThanEveryLease(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const outage = time.Minute
	cluster := hachi.Cluster(t, nil)
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	before := cluster.View(t)
	load := func(what string, span time.Duration) {
		for end := time.Now().Add(span); time.Now().Before(end); {
			harness.Compare(t, what, harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
		}
	}
	cluster.StopEtcd()
	load("without etcd", outage)
	if err := cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	load("after etcd came back", 3*registry.DefaultTTL)
	after := cluster.View(t)
	if after.Placement.Epoch() != before.Placement.Epoch() || after.Revision != before.Revision {
		t.Errorf("the placement moved from epoch %d, revision %d to epoch %d, revision %d",
			before.Placement.Epoch(), before.Revision, after.Placement.Epoch(), after.Revision)
	}
	if len(after.Nodes) != len(before.Nodes) || len(after.Routers) != 1 || len(after.Coordinators) != 1 {
		t.Errorf("after the outage there are %d nodes, %d routers, %d coordinators",
			len(after.Nodes), len(after.Routers), len(after.Coordinators))
	}
	for i, n := range after.Nodes {
		if fmt.Sprint(n.GetResident()) != fmt.Sprint(before.Nodes[i].GetResident()) || n.GetStartedUnixNano() != before.Nodes[i].GetStartedUnixNano() {
			t.Errorf("%s dropped or loaded experts, or was started again", n.GetNodeId())
		}
	}
}
