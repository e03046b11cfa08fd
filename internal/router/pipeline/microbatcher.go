package pipeline

import (
	"math/bits"
	"time"
)

// MicroBatcher chooses into how many micro-batches a step is split. It is pure:
// measurements go in, a number comes out.
//
// With attention time A(n) and expert time E(n) of n rows in one layer, the
// predicted time of a layer is
//
//	in one piece           A(n) + E(n)
//	in m micro-batches     max(m * max(A(n/m), E(n/m)), A(n/m) + E(n/m))
//
// A and E are lines over n, fitted to measurements. Their constant terms, above
// all the reading of weights, are paid m times, so a small batch stays whole. A
// split that is predicted to pay is tried, and kept only if measured steps
// confirm it: on shared cores, attention and experts at the same time may take
// as long as one after the other.
//
// Source: MegaScale-Infer, arXiv 2504.02263, section 4.1 (ping-pong pipeline
// parallelism and its conditions).
type MicroBatcher struct {
	Max   int // the largest number of micro-batches; 0 and 1 never split
	Fixed int // the number for every step, whatever is measured; 0 adapts

	attend, expert line
	steps          [16]trials // by bits.Len of the rows
	last           Decision
}

// MaxMicroBatches is the largest number of micro-batches. More than four hide
// no further time: each one reads the weights of the layer once more.
const MaxMicroBatches = 4

// Decision is the split of one step, and its inputs.
type Decision struct {
	MicroBatches int
	// Predicted times of one layer: attention and experts of the whole batch,
	// and the layer as split. 0 until enough was measured.
	Attention, Experts, Layer time.Duration
}

const (
	// A split is tried if it is predicted to save minPredictedGain of a layer's
	// time, and kept if it is measured to save minMeasuredGain.
	minPredictedGain = 0.10
	minMeasuredGain  = 0.03
	// trialSteps is how many steps in one piece, and then as split, are measured before a
	// split is judged. Fewer are enough, minTrialSteps or more, if a layer of all of them took
	// trialTime: chunks of prompts are long and few, and what delays a thread is small beside them.
	trialSteps    = 8
	minTrialSteps = 2
	trialTime     = 100 * time.Millisecond
	// restFor is how many steps skip a split that lost its trial.
	restFor = 1024
	// againAfter is how many split steps run before the unsplit time is
	// measured again.
	againAfter = 512
	// minRows is the smallest micro-batch.
	minRows = 4
)

// trials compares splits for steps of about one size.
type trials struct {
	took [MaxMicroBatches + 1]average // time of a layer, by number of micro-batches
	rest [MaxMicroBatches + 1]int     // steps that still skip a number
	age  int                          // split steps since an unsplit one was measured
}

func (m *MicroBatcher) trials(rows int) *trials {
	return &m.steps[min(bits.Len(uint(rows)), len(m.steps)-1)]
}

// Choose returns the number of micro-batches for a step of n rows.
func (m *MicroBatcher) Choose(n int) int {
	m.last = Decision{MicroBatches: 1}
	if m.Fixed > 0 {
		m.last.MicroBatches = max(1, min(m.Fixed, n, MaxMicroBatches))
		return m.last.MicroBatches
	}
	if m.Max <= 1 || n < 2*minRows || !m.attend.known() || !m.expert.known() {
		return 1
	}
	t := m.trials(n)
	a, e := m.attend.at(n), m.expert.at(n)
	whole := a + e
	m.last = Decision{1, duration(a), duration(e), duration(whole)}
	if !t.took[1].enough() || t.age > againAfter {
		return 1 // a split needs a fresh unsplit time to be compared with
	}
	best, shortest := 1, whole*(1-minPredictedGain)
	for k := 2; k <= min(m.Max, MaxMicroBatches) && n/k >= minRows; k++ {
		if t.rest[k] > 0 {
			continue
		}
		if p := m.predict(n, k); p < shortest {
			best, shortest = k, p
		}
	}
	if best > 1 {
		m.last.MicroBatches, m.last.Layer = best, duration(shortest)
	}
	return best
}

// predict is the time of a layer of n rows in k micro-batches, in ns.
func (m *MicroBatcher) predict(n, k int) float64 {
	size := (n + k - 1) / k
	a, e := m.attend.at(size), m.expert.at(size)
	return max(float64(k)*max(a, e), a+e)
}

// ObserveAttention takes the time of one attention call of a layer.
func (m *MicroBatcher) ObserveAttention(rows int, took time.Duration) { m.attend.add(rows, took) }

// ObserveExperts takes the time of one expert call of a layer. Calls of a split
// step are ignored: they share cores with attention and look slower than they
// are.
func (m *MicroBatcher) ObserveExperts(rows int, took time.Duration) {
	if m.last.MicroBatches <= 1 {
		m.expert.add(rows, took)
	}
}

// ObserveStep takes the time per layer of a step of n rows in k micro-batches.
func (m *MicroBatcher) ObserveStep(n, k int, took time.Duration) {
	t := m.trials(n)
	t.took[k].add(float64(took))
	for i := range t.rest {
		t.rest[i] = max(0, t.rest[i]-1)
	}
	if k == 1 {
		t.age = 0
		return
	}
	t.age++
	if t.took[k].enough() && t.took[k].mean > (1-minMeasuredGain)*t.took[1].mean {
		t.took[k], t.rest[k] = average{}, restFor
	}
}

func duration(ns float64) time.Duration { return time.Duration(ns) }

// average is a moving average: the plain mean of the first 2*trialSteps values,
// exponential after that.
type average struct {
	mean float64
	n    int
}

func (a *average) add(v float64) {
	a.n++
	a.mean += (v - a.mean) / float64(min(a.n, 2*trialSteps))
}

// enough reports that the values say how long a layer takes.
func (a average) enough() bool {
	return a.n >= trialSteps || a.n >= minTrialSteps && a.mean*float64(a.n) >= float64(trialTime)
}

// line is a least-squares fit of time over rows, with exponentially decaying
// weights: w = sum of weights, x = sum of rows, and so on.
type line struct{ w, x, y, xx, xy float64 }

// decay is the factor on the weight of all measurements for each new one.
const decay = 0.998

func (l *line) add(rows int, took time.Duration) {
	x, y := float64(rows), float64(took)
	l.w, l.x, l.y = l.w*decay+1, l.x*decay+x, l.y*decay+y
	l.xx, l.xy = l.xx*decay+x*x, l.xy*decay+x*y
}

func (l *line) known() bool { return l.w >= 2*trialSteps }

// at is the fitted time of n rows. Neither slope nor intercept is negative: a
// negative one is noise and would predict times below 0. While all measurements
// have one size, the slope is 0.
func (l *line) at(n int) float64 {
	spread := l.w*l.xx - l.x*l.x
	slope := 0.0
	if spread > 1e-6*l.xx*l.w {
		slope = max(0, (l.w*l.xy-l.x*l.y)/spread)
	}
	intercept := (l.y - slope*l.x) / l.w
	if intercept < 0 {
		intercept, slope = 0, l.xy/l.xx
	}
	return intercept + slope*float64(n)
}
