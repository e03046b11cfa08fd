package main

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/bench/failover"
	"github.com/hachi-serve/hachi/local"
)

const streamTokens = 48

// outage is longer than the lease of every record in these tests.
const outage = 3 * testTTL

// midStream starts all prompts and calls disturb once tokens are flowing; the
// answers must be those of the undisturbed run.
func midStream(t *testing.T, cluster *local.Cluster, disturb func()) {
	t.Helper()
	want := mustCompleteAll(t, cluster.URL(), streamTokens)
	type result struct {
		answers []answer
		err     error
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	before := generated(t, cluster.URL())
	go func() {
		answers, err := completeAll(ctx, cluster.URL(), streamTokens)
		done <- result{answers, err}
	}()
	for generated(t, cluster.URL()) < before+8 {
		select {
		case r := <-done:
			t.Fatalf("the streams ended before the fault: %v", r.err)
		case <-time.After(2 * time.Millisecond):
		}
	}
	disturb()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	compareAnswers(t, "after the fault", r.answers, want)
}

func TestKilledNodeWithReplicas(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	midStream(t, cluster, func() { kill(t, cluster, "expert-1") })
}

func TestKilledNodeWithoutReplicas(t *testing.T) {
	cluster := startCluster(t, nil)
	midStream(t, cluster, func() { kill(t, cluster, "expert-1") })
	view, err := local.ReadView(t.Context(), cluster.Endpoints(), local.DefaultCluster)
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

func TestEtcdGoneForLongerThanEveryLease(t *testing.T) {
	cluster := startCluster(t, nil)
	want := mustCompleteAll(t, cluster.URL(), streamTokens)
	before, err := local.ReadView(t.Context(), cluster.Endpoints(), local.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	cluster.StopEtcd()
	for end := time.Now().Add(outage); time.Now().Before(end); {
		compareAnswers(t, "without etcd", mustCompleteAll(t, cluster.URL(), streamTokens), want)
	}
	if err := cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		compareAnswers(t, "after etcd came back", mustCompleteAll(t, cluster.URL(), streamTokens), want)
	}
	after, err := local.ReadView(t.Context(), cluster.Endpoints(), local.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	if after.Placement.Epoch() != before.Placement.Epoch() {
		t.Errorf("the placement moved from epoch %d to %d", before.Placement.Epoch(), after.Placement.Epoch())
	}
	if len(after.Nodes) != len(before.Nodes) {
		t.Errorf("%d nodes came back, want %d", len(after.Nodes), len(before.Nodes))
	}
}

func kill(t *testing.T, cluster *local.Cluster, name string) {
	t.Helper()
	if err := cluster.Child(name).Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}
