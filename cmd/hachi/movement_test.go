package main

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// underLoad asks all prompts again and again while move is at work. Not one
// request may fail, and every answer must be the undisturbed one.
func underLoad(t *testing.T, url string, move func()) {
	t.Helper()
	const tokens = 16 // short answers, so that many begin and end meanwhile
	want := mustCompleteAll(t, url, tokens)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil || n < 2; n++ {
			// A round that has begun is finished: stop must not look like a fault.
			answers, err := completeAll(context.WithoutCancel(ctx), url, tokens)
			if err != nil {
				t.Errorf("round %d: %v", n, err)
				return
			}
			compareAnswers(t, "while experts move", answers, want)
		}
	}()
	move()
	stop()
	<-done
}

// placedOn reports that exactly these nodes serve.
func placedOn(t *testing.T, cluster *local.Cluster, names ...moe.NodeID) func() bool {
	return func() bool {
		var got []moe.NodeID
		for _, n := range mustView(t, cluster).Placement.Nodes() {
			got = append(got, n.Node)
		}
		return slices.Equal(got, names)
	}
}

func TestNodesJoinDrainAndLeaveUnderLoad(t *testing.T) {
	for _, policy := range []string{"column", "balanced"} {
		t.Run(policy, func(t *testing.T) {
			var dir string
			cluster := startCluster(t, func(c *local.UpConfig) {
				c.Nodes, c.Placement.Policy, dir = 2, policy, c.DataDir
			})
			underLoad(t, cluster.URL(), func() {
				startProcess(t, "expertnode", "--id", "expert-2", "--model", tinyDir, "--listen", "127.0.0.1:0",
					"--etcd", cluster.Endpoints()[0])
				eventually(t, "the new node serves", placedOn(t, cluster, "expert-0", "expert-1", "expert-2"))
				if code, said := runRole(t, "drain", "expert-0", "--data-dir", dir, "--wait"); code != 0 {
					t.Errorf("drain %d: %s", code, said)
				}
				eventually(t, "the drained node serves nothing", placedOn(t, cluster, "expert-1", "expert-2"))
				if err := cluster.Child("expert-1").Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
				eventually(t, "the node that leaves serves nothing", placedOn(t, cluster, "expert-2"))
				eventually(t, "it is gone", func() bool { return len(mustView(t, cluster).Nodes) == 2 })
			})
		})
	}
}

func TestRollingRestartOfEveryNode(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.Restart, c.Placement.Replicas = true, 2 })
	everyone := placedOn(t, cluster, "expert-0", "expert-1", "expert-2")
	eventually(t, "all serve", everyone)
	underLoad(t, cluster.URL(), func() {
		for _, name := range []string{"expert-0", "expert-1", "expert-2"} {
			before := record(t, cluster, name).GetStartedUnixNano()
			if err := cluster.Child(name).Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			eventually(t, name+" is another run", func() bool {
				r := record(t, cluster, name)
				return r != nil && r.GetStartedUnixNano() != before
			})
			eventually(t, name+" serves again, and nothing is missing", func() bool {
				seen, err := mustView(t, cluster).AskStatus(t.Context())
				return err == nil && seen.GetDegraded() == "" && everyone()
			})
		}
	})
}

func record(t *testing.T, cluster *local.Cluster, name string) *hachiv1.NodeRecord {
	t.Helper()
	for _, n := range mustView(t, cluster).Nodes {
		if n.GetNodeId() == name {
			return n
		}
	}
	return nil
}
