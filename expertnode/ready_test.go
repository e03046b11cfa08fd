package expertnode

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// TestReadyWhenTheTargetIsResident: not before the target is known, while an expert
// is loaded, nor once the node leaves.
func TestReadyWhenTheTargetIsResident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.disk.slow[e(1, 1)] = time.Minute
		check := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			if got := b.node.Ready(); got != want {
				t.Errorf("%s: ready %v", when, got)
			}
		}
		check("without a target", false)
		b.target <- moe.Target{Shards: map[moe.NodeID]moe.Shard{"other": moe.NewShard([]moe.ExpertID{e(0, 0)})}}
		check("with a target of the time before it joined", false)
		b.target <- want(e(0, 0), e(1, 1))
		check("while an expert is loaded", false)
		time.Sleep(2 * time.Minute)
		check("with all experts", true)
		b.target <- want(e(0, 0), e(0, 1), e(1, 1))
		time.Sleep(time.Second)
		check("with one more", true)
		b.target <- want()
		check("with a target that has none", true)
		b.target <- moe.Target{}
		check("with a target that does not name it any more", true)
		b.placement <- placed(t, 1, e(0, 0))
		b.routers <- acked(1)
		synctest.Wait()
		b.leave()
		check("while it leaves", false)
		b.stop(t)
	})
}
