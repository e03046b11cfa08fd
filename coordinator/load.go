package coordinator

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// meter measures how many rows each expert gets, and how many steps routers make,
// over a sliding window, from the counters of the routers. It is pure. It keeps at
// most window/slot slots of one counter per expert.
type meter struct {
	window time.Duration
	slot   time.Duration // the window slides by this much

	fingerprint moe.Fingerprint
	experts     int // layers*experts of the model
	last        map[string]counters
	slots       []slot // oldest first
	since       time.Time
}

// slot is what was counted in a part of the window.
type slot struct {
	from time.Time
	counters
}

// counters are rows per expert, and steps.
type counters struct {
	rows  []uint64
	steps uint64
}

// measure starts over for another model: counters of different models do not
// add up.
func (m *meter) measure(fp moe.Fingerprint, experts int, now time.Time) {
	if m.fingerprint == fp && m.experts == experts {
		return
	}
	m.fingerprint, m.experts, m.since = fp, experts, now
	m.last, m.slots = map[string]counters{}, nil
}

// observe adds what the routers sent since their last records. The first record
// of a router only says where its counters stand. Counters that went back belong
// to a router that restarted from 0. A router without a record is forgotten, so
// that its first record after a return counts for nothing.
func (m *meter) observe(records []*hachiv1.RouterLoad, now time.Time) {
	if m.experts == 0 {
		return
	}
	m.slide(now)
	current := &m.slots[len(m.slots)-1]
	seen := map[string]counters{}
	for _, r := range records {
		counts := r.GetRowsSent()
		if moe.Fingerprint(r.GetFingerprint()) != m.fingerprint || len(counts) != m.experts {
			continue
		}
		seen[r.GetRouterId()] = counters{slices.Clone(counts), r.GetSteps()}
		last, known := m.last[r.GetRouterId()]
		if !known {
			continue
		}
		restarted := r.GetSteps() < last.steps || slices.ContainsFunc(seq(m.experts), func(i int) bool { return counts[i] < last.rows[i] })
		if restarted {
			last = counters{make([]uint64, m.experts), 0}
		}
		for i := range current.rows {
			current.rows[i] += counts[i] - last.rows[i]
		}
		current.steps += r.GetSteps() - last.steps
	}
	m.last = seen
}

// slide drops what left the window and opens a slot for the present.
func (m *meter) slide(now time.Time) {
	m.slots = slices.DeleteFunc(m.slots, func(s slot) bool { return now.Sub(s.from) >= m.window })
	if n := len(m.slots); n == 0 || now.Sub(m.slots[n-1].from) >= m.slot {
		m.slots = append(m.slots, slot{now, counters{make([]uint64, m.experts), 0}})
	}
}

// rows are the rows of each expert within the window, and the time it covers:
// covered = min(window, now - since). A rate is rows/covered, so that it is not
// too low while a model is new.
func (m *meter) rows(now time.Time) ([]float64, time.Duration) {
	out := make([]float64, m.experts)
	covered := min(m.window, now.Sub(m.since))
	for _, s := range m.slots {
		if now.Sub(s.from) >= m.window {
			continue
		}
		for i, n := range s.rows {
			out[i] += float64(n)
		}
	}
	return out, covered
}

// steps are the steps of all routers within the window.
func (m *meter) steps(now time.Time) float64 {
	sum := uint64(0)
	for _, s := range m.slots {
		if now.Sub(s.from) < m.window {
			sum += s.steps
		}
	}
	return float64(sum)
}

// seq is 0, 1, ..., n-1.
func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
