//go:build soak

package e2e

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cores"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

const (
	sharedCores = 2 // GOMAXPROCS of the harness
	sharedFor   = 10 * time.Second
	// What a budget must keep: threads that compute, for each of its cores, and tokens of
	// one cluster for each of the other.
	maxOversubscription, maxUnfairness = 1.2, 2.0
)

// TestTwoClustersShareTheCores loads two clusters at once whose processes share one
// budget: each gets its part of the machine, and together they never compute with more
// threads than the budget has cores. The tokens without a budget are logged to compare.
func TestTwoClustersShareTheCores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tiny") // the name by which the harness asks for it
	if err := preset.Write(dir, "small", 1, nil); err != nil {
		t.Fatal(err)
	}
	budget := filepath.Join(t.TempDir(), "cores")
	watch, err := cores.Open(budget, sharedCores)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	for _, path := range []string{budget, ""} {
		var both [2]*harness.Cluster
		for i := range both {
			both[i] = hachi.Cluster(t, func(c *local.UpConfig) { c.Model.Dir, c.Nodes, c.Model.CoreBudget = dir, 2, path })
		}
		tokens, running := loadTogether(t, both, watch)
		for _, c := range both {
			c.Close(t.Context())
		}
		t.Logf("budget %q: %d and %d tokens, at most %d threads computed by it", path, tokens[0], tokens[1], running)
		if path == "" {
			continue
		}
		if running == 0 || float64(running) > maxOversubscription*sharedCores {
			t.Errorf("%d threads computed on %d cores", running, sharedCores)
		}
		if a, b := float64(tokens[0]), float64(tokens[1]); a > maxUnfairness*b || b > maxUnfairness*a {
			t.Errorf("one cluster drew %v tokens, the other %v", a, b)
		}
	}
}

// loadTogether requests answers of both clusters for sharedFor. It returns the tokens of
// each, and the maximum of threads that computed at once, by the words of a budget.
func loadTogether(t *testing.T, both [2]*harness.Cluster, watch *cores.Member) (tokens [2]int, running int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), sharedFor)
	defer stop()
	var asking sync.WaitGroup
	for i, c := range both {
		tokens[i] = -c.GeneratedTokens(t)
		asking.Go(func() {
			for ctx.Err() == nil {
				if _, err := harness.CompleteAll(ctx, c.URL(), harness.StreamTokens); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for ctx.Err() == nil {
		running = max(running, watch.Running())
		time.Sleep(time.Millisecond)
	}
	asking.Wait()
	for i, c := range both {
		tokens[i] += c.GeneratedTokens(t)
	}
	return tokens, running
}
