package e2e

import (
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestAnInt8CacheAnswersAlikeEverywhere: with --kv-cache-dtype int8 the answers are others
// than without, and the same for every placement, for every size of the cache
// and after a restart.
func TestAnInt8CacheAnswersAlikeEverywhere(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const tokens = 12
	var want []harness.Answer
	for i, change := range []func(*local.UpConfig){
		func(c *local.UpConfig) { c.Nodes, c.Model.Numerics.KVCacheDtype = 1, "int8" },
		func(c *local.UpConfig) {
			c.Nodes, c.Model.Numerics.KVCacheDtype, c.Placement.Policy, c.Placement.Replicas, c.Serving.KVCacheMemory = 3, "int8", "balanced", 2, 1<<20
		},
		func(c *local.UpConfig) { c.Nodes = 1 },
	} {
		cluster := hachi.Cluster(t, change)
		answers := harness.MustCompleteAll(t, cluster.URL(), tokens)
		again := harness.MustCompleteAll(t, cluster.URL(), tokens) // reads the prefixes
		harness.Compare(t, "from the prefix cache", again, answers)
		switch i {
		case 0:
			want = answers
		case 1:
			harness.Compare(t, "three nodes, a small cache, another process", answers, want)
		default:
			if slices.Equal(answers, want) {
				t.Error("int8 gave the log probabilities of bf16: it was not put to use")
			}
		}
		cluster.Close(t.Context())
	}
}
