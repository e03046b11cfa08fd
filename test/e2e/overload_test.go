package e2e

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/overload"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestOverloadLosesNothing is the short form of `hachi bench overload`, which
// `make soak` runs for minutes and by the clock: every request is answered or
// refused with Retry-After, and an idle router holds nothing. The factor is large,
// so that it is an overload even if the machine gets faster meanwhile.
func TestOverloadLosesNothing(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	prompt, reply := serve.Conversations(60, 16)
	report, err := overload.Run(t.Context(), overload.Config{
		Up: hachi.Config(t, func(c *local.UpConfig) {
			c.Nodes, c.Serving.MaxSequences, c.Serving.MaxQueued, c.Serving.KVCacheMemory = 2, 4, 3, 1<<20
		}),
		Prompt: prompt, Answer: reply, Seed: 1, Capacity: 6 * time.Second, Factor: 10, For: 4 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Broken(); err != nil {
		t.Error(err)
	}
	t.Logf("%+v", report)
}
