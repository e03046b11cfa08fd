package coordinator

import (
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
)

// balanceRules say when load moves experts.
type balanceRules struct {
	// A layer is out of balance when its busiest node carries enter times the
	// average, until it carries less than leave times: leave < enter.
	enter, leave float64
	// sustain is how long it must stay so, cooldown how long after any change
	// of the target nothing is moved for load.
	sustain, cooldown time.Duration
	// rows is the smallest number of rows of a layer within the window: fewer are
	// uneven by chance.
	rows float64
	// share is the fraction of all copies that one change may move; gain is the
	// smallest improvement that a move must bring, as a fraction of a node's
	// average load.
	share, gain float64
	// horizon is how long a load is expected to last: a move must save more time in
	// it than the node needs to load the expert.
	horizon time.Duration
}

// defaultBalance moves a sixteenth of the copies at most every two minutes.
func defaultBalance() balanceRules {
	return balanceRules{
		enter: 1.3, leave: 1.15, sustain: time.Minute, cooldown: 2 * time.Minute,
		rows: 4096, share: 1.0 / 16, gain: planner.MinGain, horizon: 10 * time.Minute,
	}
}

// balancer observes how evenly the load of each layer is spread over the nodes.
// enter > leave is a hysteresis: a layer at the threshold does not move experts
// back and forth. Load moves experts of a layer when
//
//	now - since[layer] >= sustain, and now - last change of the target >= cooldown.
//
// The cooldown (2 minutes) is longer than the measuring window (1 minute): rows
// that were counted before a move say nothing of the placement after it. It is
// pure.
type balancer struct {
	rules balanceRules
	since []time.Time // per layer: since when it is out of balance; zero when it is not
}

// observe takes, per layer, how much more than the average the busiest node
// carries and how many rows that was measured with. Between leave and enter a
// layer keeps the verdict it has. A layer without experts has no rows and is
// never out of balance.
func (b *balancer) observe(imbalance, rows []float64, now time.Time) {
	if len(b.since) != len(imbalance) {
		b.since = make([]time.Time, len(imbalance))
	}
	for layer, x := range imbalance {
		switch {
		case rows[layer] < b.rules.rows || x < b.rules.leave:
			b.since[layer] = time.Time{}
		case x >= b.rules.enter && b.since[layer].IsZero():
			b.since[layer] = now
		}
	}
}

// due lists the layers that have been out of balance for long enough; changed
// is when the target was last written.
func (b *balancer) due(changed, now time.Time) []int {
	if now.Sub(changed) < b.rules.cooldown {
		return nil
	}
	var out []int
	for layer, since := range b.since {
		if !since.IsZero() && now.Sub(since) >= b.rules.sustain {
			out = append(out, layer)
		}
	}
	return out
}

// maxMoves is how many copies one change may move: at least a swap of two.
func (b *balancer) maxMoves(copies int) int { return max(2, int(float64(copies)*b.rules.share)) }
