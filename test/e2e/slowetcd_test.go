package e2e

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestAnEtcdThatAnswersTooLateIsAsOneThatIsAway: each answer takes longer than a call
// waits, until every lease has ended. No request fails, no expert moves, and the cluster
// recovers by itself.
func TestAnEtcdThatAnswersTooLateIsAsOneThatIsAway(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	store := externalEtcd(t)
	relay, err := faulty.NewRelay(store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Etcd, c.TTL, c.Placement.Replicas = 2, []string{relay.Addr()}, harness.ShortTTL, 2
	})
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	before := cluster.View(t)
	where, err := cluster.Where()
	if err != nil {
		t.Fatal(err)
	}
	where.Etcd = []string{store} // not by the relay
	direct := harness.Registry(t, where)
	relay.Set(faulty.ToClient, faulty.Wire{Delay: 5 * time.Second})
	eventually.True(t, "every lease has ended", func() bool {
		nodes, err := direct.Nodes(t.Context())
		return err == nil && len(nodes) == 0
	})
	harness.Compare(t, "with a slow etcd", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
	relay.Set(faulty.ToClient, faulty.Wire{})
	eventually.True(t, "every process is registered again", func() bool {
		nodes, err := direct.Nodes(t.Context())
		routers, routersErr := direct.Routers(t.Context())
		return err == nil && routersErr == nil && len(nodes) == 2 && len(routers) == 1
	})
	after := cluster.View(t)
	if after.Placement.Epoch() != before.Placement.Epoch() {
		t.Errorf("the placement moved from epoch %d to %d", before.Placement.Epoch(), after.Placement.Epoch())
	}
	harness.Compare(t, "after etcd is quick again", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
}
