package dispatch

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
)

// TestRouterWithoutHedgingWaits: it calls no other replica, however late an answer is, until
// the call times out.
func TestRouterWithoutHedgingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 500 * time.Millisecond
		slowly := false
		d := pair(2, func(node moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
			if slowly && node == "a" {
				return faulty.Fault{Late: late}
			}
			return faulty.Fault{}
		})
		d.cfg.DisableHedging = true
		layers(t, d, 200)
		slowly = true
		if took := slices.Max(layers(t, d, 2)); took < late {
			t.Errorf("a layer took %v beside an answer that is %v late", took, late)
		}
		if s := d.Stats(); s.Hedges != 0 {
			t.Errorf("%d hedges of a router without hedging", s.Hedges)
		}
		for _, n := range d.Nodes() {
			if n.Failovers != 0 || n.Suspicions != 0 {
				t.Errorf("%+v: a late node is not a failing one here", n)
			}
		}
	})
}
