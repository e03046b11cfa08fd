package batcher

import "time"

// Speed is how fast batches are computed. The time of a batch is taken as linear,
//
//	t = Expert * distinct experts + Row * rows of experts
//
// a least-squares fit over the last few hundred batches: the first term is what
// reading weights costs, the second what a row does. It is the model of an expert
// node in MegaScale-Infer (arXiv 2504.02263), with the constant paid per expert.
type Speed struct {
	Expert, Row time.Duration
	Busy        time.Duration // that batches took, since the start
}

// speedDecay is the weight of a batch relative to the one after it: half of the
// fit is of the last 350 batches.
const speedDecay = 0.998

// fit holds the sums of the normal equations, in experts, rows and seconds.
type fit struct {
	ee, er, rr, et, rt float64
	busy               time.Duration
}

func (f *fit) add(experts, rows int, took time.Duration) {
	e, r, t := float64(experts), float64(rows), took.Seconds()
	for _, term := range []struct {
		sum  *float64
		more float64
	}{{&f.ee, e * e}, {&f.er, e * r}, {&f.rr, r * r}, {&f.et, e * t}, {&f.rt, r * t}} {
		*term.sum = *term.sum*speedDecay + term.more
	}
	f.busy += took
}

// alike is the share of the determinant below which all batches have nearly as
// many rows per expert, so that the two terms cannot be separated.
const alike = 1e-3

// speed solves the equations. Neither term is negative. Where batches are all
// alike, the time counts per expert: it is right for batches like them.
func (f *fit) speed() Speed {
	if f.ee == 0 {
		return Speed{Busy: f.busy}
	}
	expert, row := f.et/f.ee, 0.0
	if det := f.ee*f.rr - f.er*f.er; det > alike*f.ee*f.rr {
		expert, row = (f.et*f.rr-f.rt*f.er)/det, (f.rt*f.ee-f.et*f.er)/det
		switch {
		case expert < 0:
			expert, row = 0, f.rt/f.rr
		case row < 0:
			expert, row = f.et/f.ee, 0
		}
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return Speed{Expert: seconds(expert), Row: seconds(row), Busy: f.busy}
}

// Speed is how fast the batcher has computed lately.
func (b *Batcher) Speed() Speed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fit.speed()
}

// groups counts the distinct experts of the batch.
func (b *Batcher) groups() int {
	if len(b.batch) > 1 {
		return len(b.merger.groups)
	}
	return len(b.batch[0].Call.Groups)
}
