package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestABenchmarkSaysWhyItsClusterDoesNotStart: a node that fails at every start ends
// the wait, with its last words.
func TestABenchmarkSaysWhyItsClusterDoesNotStart(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	up := hachi.Config(t, func(c *local.UpConfig) {
		c.Nodes, c.Restart, c.MaxFailures = 1, true, 3
		c.Exec = func(name string, argv []string) []string {
			if name == "expert-0" {
				return []string{"/bin/sh", "-c", "echo hachi: the device is lost >&2; exit 1"}
			}
			return argv
		}
	})
	_, err := cluster.Run(t.Context(), cluster.Config{Up: up, Sequences: []int{1}, Steps: 1, Rounds: 1})
	if err == nil || !strings.Contains(err.Error(), "expert-0: the device is lost (3 times in a row)") {
		t.Errorf("%v, want the last words of the node", err)
	}
}

// TestABenchmarkEndsWithItsNodes: its core follows no placement, and would wait for a
// node that was started again.
func TestABenchmarkEndsWithItsNodes(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	core, err := cluster.Start(t.Context(), hachi.Config(t, func(c *local.UpConfig) { c.Nodes, c.Restart = 1, true }), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close(t.Context())
	_, err = cluster.Steady(t.Context(), core, func(ctx context.Context) (bool, error) {
		(&harness.Cluster{Cluster: core.Local}).Kill(t, "expert-0")
		<-ctx.Done()
		return false, ctx.Err()
	})
	if err == nil || !strings.Contains(err.Error(), "expert-0 ended during the measurement") {
		t.Errorf("%v, want which process ended", err)
	}
}
