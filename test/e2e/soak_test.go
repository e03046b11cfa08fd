//go:build soak

package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// TestANodeHoldsItsShareOfAMixtral writes and serves two layers at the true
// dimensions of Mixtral 8x7B: 6.3 GB of disk, and as much page cache.
func TestANodeHoldsItsShareOfAMixtral(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "slice")
	if err := preset.Write(dir, "8x7b-slice", 1, nil); err != nil {
		t.Fatal(err)
	}
	checkShares(t, dir, 4)
}

// TestPacketsDroppedWithoutReset cuts a node off in the middle of streams: no
// packet goes there or comes back, and no connection is reset. It needs Linux,
// root and ip(8), and fails without them; and 1.6 GB of disk.
func TestPacketsDroppedWithoutReset(t *testing.T) {
	const times = 5
	dir := filepath.Join(t.TempDir(), "small") // large enough that every node has work in every layer
	if err := preset.Write(dir, "small", 1, nil); err != nil {
		t.Fatal(err)
	}
	report, err := failover.Run(t.Context(), failover.Config{
		Up:    hachi.Config(t, func(c *local.UpConfig) { c.Model.Dir, c.Nodes, c.Placement.Replicas = dir, 4, 2 }),
		Fault: failover.Drop, StopFor: 5 * time.Second, Streams: 16, Tokens: 32, Repeat: times, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("stalls %+v, noticed %d times", report.Stall, report.Noticed)
	if report.Noticed < times {
		t.Errorf("the router noticed %d of %d times that a node was cut off", report.Noticed, times)
	}
}
