package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// tinyExpert is the size of an expert of the model tiny: three matrices of 64 x 128,
// f32. The model has 32.
const tinyExpert = 3 * 64 * 128 * 4

// TestBothNodesOfAPairDieWhileTheSurvivorsAreFull: the experts that only the two had are
// placed again, and all streams go on. Every placement is published after what it
// needs, so that their order shows the order of the steps.
func TestBothNodesOfAPairDieWhileTheSurvivorsAreFull(t *testing.T) {
	harness.Slow(t)
	const full = 16 // of 32 experts with two copies each on four nodes
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Placement.Replicas, c.TTL = 4, 2, harness.ShortTTL
		c.Exec = func(name string, argv []string) []string {
			if strings.HasPrefix(name, "expert-") {
				argv = append(argv, "--capacity", fmt.Sprint(full*tinyExpert))
			}
			return argv
		}
	})
	eventually.True(t, "every node is full", func() bool { return cluster.View(t).Served() == 2 })
	where, err := cluster.Where()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	placements := harness.Registry(t, where).WatchPlacement(ctx)
	cluster.DuringAnswers(t, func() {
		cluster.Kill(t, "expert-0")
		cluster.Kill(t, "expert-1")
	})
	// Copies of other experts are taken out first: that placement still names the dead.
	for epoch := moe.Epoch(0); ; {
		p := <-placements
		if p.Epoch() <= epoch {
			t.Fatalf("placement %d after %d", p.Epoch(), epoch)
		}
		epoch = p.Epoch()
		held := map[moe.NodeID]int{}
		for _, id := range p.Topology().All() {
			for _, r := range p.Replicas(id) {
				held[r.Node]++
			}
		}
		if len(held) == 2 && held["expert-2"] == full && held["expert-3"] == full {
			return
		}
	}
}

// TestANodeIsReplacedAtAnotherAddress: under the same name, as on another machine.
func TestANodeIsReplacedAtAnotherAddress(t *testing.T) {
	harness.Slow(t)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	before := cluster.Node(t, "expert-1")
	cluster.UnderLoad(t, func() {
		cluster.Kill(t, "expert-1")
		hachi.Start(t, append(cluster.Security(t, identity.Expert, "expert-1"), "expertnode", "--id", "expert-1", "--model", hachi.Model, "--listen", "127.0.0.2:0",
			"--gossip", "127.0.0.2:0", "--etcd", cluster.Endpoints()[0])...)
		eventually.True(t, "the placement names the new address only", func() bool {
			places := cluster.View(t).Placement.Nodes()
			return len(places) == 3 && strings.HasPrefix(places[1].Addr, "127.0.0.2:") && cluster.View(t).Served() == 2
		})
	})
	if after := cluster.Node(t, "expert-1"); after.GetAddr() == before.GetAddr() || after.GetStartedUnixNano() == before.GetStartedUnixNano() {
		t.Errorf("the record is %v, was %v", after, before)
	}
}

// TestANodeThatRestartsWhileEtcdIsAwayServesAgain: it has its address and its state
// directory, and neither etcd nor a coordinator.
func TestANodeThatRestartsWhileEtcdIsAwayServesAgain(t *testing.T) {
	harness.Slow(t)
	state := t.TempDir()
	cluster := hachi.ByHand(t, harness.ByHandConfig{Nodes: 1, NodeFlags: []string{"--state-dir", state, "--listen", freeport.Address(t)}})
	want := harness.MustCompleteAll(t, cluster.URL, harness.StreamTokens)
	before := cluster.View(t)
	if files, err := filepath.Glob(filepath.Join(state, "*")); err != nil || len(files) != 1 {
		t.Fatalf("%v, %v: want one file", files, err)
	}
	cluster.StopEtcd()
	for _, name := range []string{"coordinator-0", "expert-0"} {
		p := cluster.Processes[name]
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait() // killed
	}
	hachi.Start(t, slices.Clone(cluster.Processes["expert-0"].Args[1:])...)
	harness.Compare(t, "without etcd", harness.MustCompleteAll(t, cluster.URL, harness.StreamTokens), want)
	cluster.StartEtcd(t)
	eventually.True(t, "the node is registered with what it held", func() bool {
		v := cluster.View(t)
		return len(v.Nodes) == 1 && v.Nodes[0].GetStartedUnixNano() != before.Nodes[0].GetStartedUnixNano() &&
			fmt.Sprint(v.Nodes[0].GetResident()) == fmt.Sprint(before.Nodes[0].GetResident())
	})
	harness.Compare(t, "with etcd again", harness.MustCompleteAll(t, cluster.URL, harness.StreamTokens), want)
}

// TestEveryNodeOfAnUpRestartsWhileEtcdIsAway: the nodes of `hachi up` have their
// addresses and their experts again, so that the router finds them by the placement that
// it has.
func TestEveryNodeOfAnUpRestartsWhileEtcdIsAway(t *testing.T) {
	harness.Slow(t)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Restart, c.Nodes = true, 2 })
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	before := cluster.View(t).Nodes
	cluster.StopEtcd()
	for _, name := range []string{"coordinator-0", "expert-0", "expert-1"} {
		cluster.Kill(t, name)
	}
	harness.Compare(t, "without etcd", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
	if err := cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "other processes are registered at the same addresses", func() bool {
		after := cluster.View(t).Nodes
		return len(after) == len(before) && !slices.ContainsFunc(after, func(n *hachiv1.NodeRecord) bool {
			return slices.ContainsFunc(before, func(old *hachiv1.NodeRecord) bool {
				same := n.GetNodeId() == old.GetNodeId()
				return same && (n.GetAddr() != old.GetAddr() || n.GetStartedUnixNano() == old.GetStartedUnixNano())
			})
		})
	})
	harness.Compare(t, "with etcd again", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
}
