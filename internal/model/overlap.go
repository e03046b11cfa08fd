package model

import (
	"math/bits"
	"time"
)

// Overlap chooses into how many micro-batches a step is split. It is pure:
// measurements go in, a number comes out.
//
// With attention time A(n) and expert time E(n) of n rows in a layer, a step in
// one piece takes A(n) + E(n); in m pieces that take turns it takes about
// m*max(A(n/m), E(n/m)), and never less than one piece alone,
// A(n/m) + E(n/m). Both times are lines over n, fitted as measured. What does
// not grow with n, reading weights above all, is paid m times, so that a small
// batch stays whole. A split that is predicted to pay is tried, and kept only
// if measured steps say so too: on shared cores two things at once may take as
// long as one after the other.
//
// Source: MegaScale-Infer, arXiv 2504.02263, section 4.1 (ping-pong pipeline
// parallelism and its conditions).
type Overlap struct {
	Most  int // the largest number of micro-batches; 0 and 1 never split
	Fixed int // when not 0, the number whatever is measured

	attend, expert line
	steps          [16]trials // by the power of two of the rows
	last           Choice
}

// MostParts is the largest number of micro-batches: beyond four nothing more is
// hidden.
const MostParts = 4

// Choice is what was chosen for a step, and its inputs.
type Choice struct {
	Parts int
	// Predicted times of one layer: attention and experts of the whole batch,
	// and the layer in so many parts. 0 before enough was measured.
	Attention, Experts, Layer time.Duration
}

const (
	// worthTrying is the predicted share of time a split must save to be tried;
	// worthKeeping the measured one.
	worthTrying  = 0.10
	worthKeeping = 0.03
	// trialSteps is how many steps a split is measured for, restFor for how many
	// it then rests when it did not pay, and againAfter for how many before the
	// whole is measured again.
	trialSteps = 8
	restFor    = 1024
	againAfter = 512
	// fewest rows of a micro-batch.
	fewestRows = 4
)

// trials compares splits for steps of about one size.
type trials struct {
	took [MostParts + 1]average // of a layer, by number of parts
	rest [MostParts + 1]int     // steps for which a number is left out
	age  int                    // steps since the whole was measured
}

func (o *Overlap) trials(n int) *trials { return &o.steps[min(bits.Len(uint(n)), len(o.steps)-1)] }

// Choose says in how many parts a step of n rows runs.
func (o *Overlap) Choose(n int) int {
	o.last = Choice{Parts: 1}
	if o.Fixed > 0 {
		o.last.Parts = max(1, min(o.Fixed, n, MostParts))
		return o.last.Parts
	}
	if o.Most <= 1 || n < 2*fewestRows || !o.attend.known() || !o.expert.known() {
		return 1
	}
	t := o.trials(n)
	a, e := o.attend.at(n), o.expert.at(n)
	whole := a + e
	o.last = Choice{1, duration(a), duration(e), duration(whole)}
	if t.took[1].n < trialSteps || t.age > againAfter {
		return 1 // nothing to compare with yet
	}
	best, least := 1, whole*(1-worthTrying)
	for m := 2; m <= min(o.Most, MostParts) && n/m >= fewestRows; m++ {
		if t.rest[m] > 0 {
			continue
		}
		if p := o.predict(n, m); p < least {
			best, least = m, p
		}
	}
	if best > 1 {
		o.last.Parts, o.last.Layer = best, duration(least)
	}
	return best
}

// predict is the time of a layer in m parts, in ns.
func (o *Overlap) predict(n, m int) float64 {
	size := (n + m - 1) / m
	a, e := o.attend.at(size), o.expert.at(size)
	return max(float64(m)*max(a, e), a+e)
}

// Attended and Computed take the time that attention and experts needed for so
// many rows of one layer.
func (o *Overlap) Attended(rows int, took time.Duration) { o.attend.add(rows, took) }

// Computed is told like Attended.
func (o *Overlap) Computed(rows int, took time.Duration) {
	// Experts that compute beside attention look slower than they are.
	if o.last.Parts <= 1 {
		o.expert.add(rows, took)
	}
}

// Observe takes the time per layer of a step of n rows in m parts.
func (o *Overlap) Observe(n, m int, took time.Duration) {
	t := o.trials(n)
	t.took[m].add(float64(took))
	for i := range t.rest {
		t.rest[i] = max(0, t.rest[i]-1)
	}
	if m == 1 {
		t.age = 0
		return
	}
	t.age++
	if t.took[m].n >= trialSteps && t.took[m].mean > (1-worthKeeping)*t.took[1].mean {
		t.took[m], t.rest[m] = average{}, restFor
	}
}

func duration(ns float64) time.Duration { return time.Duration(ns) }

// average is a mean that forgets.
type average struct {
	mean float64
	n    int
}

func (a *average) add(v float64) {
	a.n++
	a.mean += (v - a.mean) / float64(min(a.n, 2*trialSteps))
}

// line is a least-squares fit of time over rows that forgets old measurements.
type line struct{ w, x, y, xx, xy float64 }

// forget is the weight an older measurement keeps.
const forget = 0.998

func (l *line) add(rows int, took time.Duration) {
	x, y := float64(rows), float64(took)
	l.w, l.x, l.y = l.w*forget+1, l.x*forget+x, l.y*forget+y
	l.xx, l.xy = l.xx*forget+x*x, l.xy*forget+x*y
}

func (l *line) known() bool { return l.w >= 2*trialSteps }

// at is the time of so many rows. Neither part of the line is negative; without
// different sizes to tell them apart, nothing grows with the rows.
func (l *line) at(rows int) float64 {
	spread := l.w*l.xx - l.x*l.x
	slope := 0.0
	if spread > 1e-6*l.xx*l.w {
		slope = max(0, (l.w*l.xy-l.x*l.y)/spread)
	}
	start := (l.y - slope*l.x) / l.w
	if start < 0 {
		start, slope = 0, l.xy/l.xx
	}
	return start + slope*float64(rows)
}
