package main

import (
	"fmt"
	"testing"

	"github.com/hachi-serve/hachi/local"
)

// TestPlacementNeverChangesTheAnswer compares tokens, log probabilities and
// alternatives, to the last bit that JSON shows of an f32.
func TestPlacementNeverChangesTheAnswer(t *testing.T) {
	const tokens = 12
	var want []answer
	for _, shape := range []struct {
		nodes, replicas int
		policy          string
	}{{1, 1, "column"}, {2, 1, "balanced"}, {3, 2, "column"}, {5, 2, "balanced"}, {8, 1, "column"}} {
		name := fmt.Sprintf("%d nodes, %d replicas, %s", shape.nodes, shape.replicas, shape.policy)
		t.Run(name, func(t *testing.T) {
			cluster := startCluster(t, func(c *local.UpConfig) {
				c.Nodes, c.Placement = shape.nodes, local.PlacementConfig{Policy: shape.policy, Replicas: shape.replicas}
			})
			got := mustCompleteAll(t, cluster.URL(), tokens)
			if want == nil {
				want = got
			}
			compareAnswers(t, name, got, want)
			if shape.nodes == 8 {
				checkColumns(t, cluster)
			}
		})
	}
}

// checkColumns: with eight nodes, expert e of every layer is on node e.
func checkColumns(t *testing.T, cluster *local.Cluster) {
	t.Helper()
	view, err := local.ReadView(t.Context(), cluster.Endpoints(), local.DefaultCluster)
	if err != nil {
		t.Fatal(err)
	}
	for layer, experts := range describe(view).Placement {
		for e, nodes := range experts {
			if want := fmt.Sprintf("[expert-%d]", e); fmt.Sprint(nodes) != want {
				t.Errorf("layer %d expert %d is on %v, want %s", layer, e, nodes, want)
			}
		}
	}
}
