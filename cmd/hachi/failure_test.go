package main

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
)

const streamTokens = 48

// midStream starts all prompts and calls disturb once tokens are flowing; the
// answers must be those of the undisturbed run.
func midStream(t *testing.T, cluster *local.Cluster, disturb func()) {
	t.Helper()
	want := mustCompleteAll(t, cluster.URL(), streamTokens)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for range 100 {
		before := generated(t, cluster.URL())
		var got []answer
		ended := make(chan error, 1)
		go func() {
			var err error
			got, err = completeAll(ctx, cluster.URL(), streamTokens)
			ended <- err
		}()
		caught := flowing(t, cluster, before, ended)
		if caught {
			disturb()
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		compareAnswers(t, "after the fault", got, want)
		if caught {
			return
		}
	}
	t.Fatal("the streams always ended before the fault")
}

// flowing waits until a few tokens have come since before; false when this
// process had no time to look and the streams ended meanwhile.
func flowing(t *testing.T, cluster *local.Cluster, before int, ended <-chan error) bool {
	t.Helper()
	for len(ended) == 0 {
		if generated(t, cluster.URL()) >= before+8 {
			return len(ended) == 0
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

func TestKilledNodeWithReplicas(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	midStream(t, cluster, func() { kill(t, cluster, "expert-1") })
}

func TestKilledNodeWithoutReplicas(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.TTL = shortTTL })
	midStream(t, cluster, func() { kill(t, cluster, "expert-1") })
	view, err := status.ReadView(t.Context(), cluster.Endpoints(), registry.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range view.Placement.Nodes() {
		if n.Node == "expert-1" {
			t.Error("the dead node is still in the placement")
		}
	}
}

// A node that stops answering without dying is the harder fault: nothing breaks.
func TestStoppedNode(t *testing.T) {
	report, err := failover.Run(t.Context(), failover.Config{
		Up:    clusterConfig(t, func(c *local.UpConfig) { c.Nodes, c.Placement.Replicas = 4, 2 }),
		Fault: failover.Stop, StopFor: 2 * time.Second, Streams: 8, Tokens: 24, Repeat: 2, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
}

// TestEtcdGoneForLongerThanEveryLease keeps the default leases and the cluster
// under load all the time: before, without etcd, and until every wait of the
// coordinator is over.
func TestEtcdGoneForLongerThanEveryLease(t *testing.T) {
	t.Parallel() // it waits for clocks
	const outage = time.Minute
	cluster := startCluster(t, nil)
	want := mustCompleteAll(t, cluster.URL(), streamTokens)
	before := mustView(t, cluster)
	load := func(what string, span time.Duration) {
		for end := time.Now().Add(span); time.Now().Before(end); {
			compareAnswers(t, what, mustCompleteAll(t, cluster.URL(), streamTokens), want)
		}
	}
	cluster.StopEtcd()
	load("without etcd", outage)
	if err := cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	load("after etcd came back", 3*registry.DefaultTTL)
	after := mustView(t, cluster)
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

func mustView(t *testing.T, cluster *local.Cluster) status.View {
	t.Helper()
	view, err := status.ReadView(t.Context(), cluster.Endpoints(), registry.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func kill(t *testing.T, cluster *local.Cluster, name string) {
	t.Helper()
	if err := cluster.Child(name).Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}
