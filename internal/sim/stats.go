package sim

import (
	"time"
)

// stats are what a run counts.
type stats struct {
	first, gaps, total []time.Duration // to the first token, between tokens, of answers
	longest            []time.Duration // gaps of answers after the first fault
	answers            []Answer
	struck             time.Duration // since when faults happen
	outcomes           [lost + 1]int
	answered, prompts  uint64 // tokens
	perSecond          []uint64
	shortened, resumed int

	steps, rows  uint64
	microBatches [maxMicroBatches + 1]uint64 // steps, by their number
	split        split
	stepTime     time.Duration
	abandoned    uint64

	layers, calls, drops uint64
	placements, faults   int
	firedBefore          uint64 // events before the first request
}

// nodeStats are what all runs of a node count.
type nodeStats struct {
	batches, groups, rows uint64
	busy                  time.Duration
	notHosted, refused    uint64
	peak                  int // experts
}

// since is what was counted after an earlier reading; the peak is that of all time.
func (s nodeStats) since(before nodeStats) nodeStats {
	s.batches -= before.batches
	s.groups -= before.groups
	s.rows -= before.rows
	s.busy -= before.busy
	s.notHosted -= before.notHosted
	s.refused -= before.refused
	return s
}

// measure forgets what was counted before, but the tokens of each second.
func (w *world) measure() {
	w.measured = w.loop.Now()
	w.stats = stats{firedBefore: w.loop.Fired(), perSecond: w.stats.perSecond, struck: w.stats.struck}
	for _, id := range w.nodeOrder {
		n := w.nodes[id]
		n.before = n.stats
	}
}

// ended counts the requests that have ended.
func (s *stats) ended() (n int) {
	for _, outcome := range s.outcomes {
		n += outcome
	}
	return n
}

// step counts a committed step.
func (s *stats) step(t *step, now time.Duration) {
	s.steps++
	s.rows += uint64(t.rows)
	s.microBatches[len(t.jobs)]++
	s.stepTime += now - t.began
	s.split.Attention += t.split.Attention
	s.split.Wire += t.split.Wire
	s.split.Experts += t.split.Experts
	s.split.Wait += t.split.Wait
	s.split.Head += t.split.Head
}

// token counts a token that a client got.
func (s *stats) token(since time.Duration) {
	second := int(since / time.Second)
	for len(s.perSecond) <= second {
		s.perSecond = append(s.perSecond, 0)
	}
	s.perSecond[second]++
	s.answered++
}
