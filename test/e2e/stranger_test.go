package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestANodeOfAnotherModelNeverTakesOver: while all nodes of the cluster's model are
// away, a node of another model gets no expert, the status says why nothing moves, and
// answers wait. They go on with the same bytes when the own nodes are back.
func TestANodeOfAnotherModelNeverTakesOver(t *testing.T) {
	harness.Slow(t)
	other := filepath.Join(t.TempDir(), "other")
	if err := preset.Write(other, "tiny", 2, nil); err != nil {
		t.Fatal(err)
	}
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, c.TTL = 2, harness.ShortTTL })
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	node := func(name, model string) {
		hachi.Start(t, append(append(cluster.Security(t, identity.Expert, name), "expertnode", "--id", name, "--model", model, "--listen", "127.0.0.1:0"),
			"--etcd", cluster.Endpoints()[0], "--cluster", cluster.Name(), "--lease-ttl", harness.ShortTTL.String())...)
	}
	node("expert-9", other)
	eventually.True(t, "the stranger is registered", func() bool { return cluster.Node(t, "expert-9") != nil })
	before := cluster.View(t).Placement

	cluster.Kill(t, "expert-0")
	cluster.Kill(t, "expert-1")
	ended := make(chan error, 1)
	var answers []harness.Answer
	go func() {
		var err error
		answers, err = harness.CompleteAll(t.Context(), cluster.URL(), harness.StreamTokens)
		ended <- err
	}()
	eventually.True(t, "the status says why nothing moves", func() bool {
		seen, err := cluster.View(t).AskStatus(t.Context())
		return err == nil && strings.Contains(seen.GetDegraded(), "no expert node serves the model of the placement")
	})
	if now := cluster.View(t).Placement; now.Epoch() != before.Epoch() || !cluster.PlacedOn(t, "expert-0", "expert-1") {
		t.Errorf("the placement moved from epoch %d to %d", before.Epoch(), now.Epoch())
	}
	select {
	case err := <-ended:
		t.Fatalf("an answer without a node has ended: %v", err)
	default:
	}

	node("expert-0", hachi.Model)
	node("expert-1", hachi.Model)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	harness.Compare(t, "that waited for its nodes", answers, want)
	if n := len(cluster.Node(t, "expert-9").GetResident().GetRanges()); n > 0 {
		t.Errorf("the stranger holds %d ranges of experts", n)
	}
	for _, n := range cluster.View(t).Placement.Nodes() {
		if n.Node == moe.NodeID("expert-9") {
			t.Error("the stranger serves")
		}
	}
}
