package scheduler

import (
	"math/bits"
	"time"
)

const (
	// fewRows is the minimum number of prefill rows per step, so that a prompt always
	// advances. With fewer than fewDecodes decodes it is a whole block: few decodes
	// touch few experts, and any prefill chunk makes the step load most of them
	// anyway.
	fewRows, blockRows = 4, 16
	fewDecodes         = 8
	// probeEvery is how many mixed steps may pass before the decodes are
	// measured without prefill again.
	probeEvery = 64
	// resumeSlowdown is the slowdown for answers that other routers began: their clients
	// wait in the middle of an answer, as those of decodes do. With s, the last of them
	// waits s/(s-1) times what only their prefill takes, and the decodes s-1 steps.
	resumeSlowdown = 3
	// weight of a new measurement in the running averages.
	weight = 0.25
)

// pace chooses how many prefill rows a step may add to its decodes, from how
// long steps took. The cost of decodes is measured, by the power of two of their
// number, in steps without prefill, and measured again every probeEvery steps;
// the cost of a prefill row is what a mixed step took longer, by row. Until both are
// known, a row costs at most what it cost in a step without decodes.
type pace struct {
	maxSlowdown float64     // 0 is no pacing
	decodes     [16]measure // by bits.Len of the number of decodes
	row         float64     // nanoseconds per prefill row beside decodes; 0 is unknown
	measured    bool        // row was measured beside decodes; else it is an upper bound
	last        int         // prefill rows of the last mixed step
}

// measure is a running average in nanoseconds and how old it is.
type measure struct {
	took  float64
	least float64 // what the last mixed step leaves for the decodes; while took is unknown
	age   int     // mixed steps since
}

func (m *measure) add(v float64) {
	if m.took == 0 {
		m.took = v
	} else {
		m.took += weight * (v - m.took)
	}
	m.age = 0
}

func (p *pace) of(decodes int) *measure {
	return &p.decodes[min(bits.Len(uint(decodes)), len(p.decodes)-1)]
}

// minTime is what that many decodes take at least: their measure, or what is known of
// them and of fewer. 0 is unknown.
func (p *pace) minTime(decodes int) float64 {
	least := 0.0
	for b := min(bits.Len(uint(decodes)), len(p.decodes)-1); b > 0; b-- {
		if took := p.decodes[b].took; took > 0 {
			return max(least, took)
		}
		least = max(least, p.decodes[b].least)
	}
	return least
}

// observe takes the time of a step of decode and prefill rows.
func (p *pace) observe(decodes, prefills int, took time.Duration) {
	t := float64(took)
	switch {
	case prefills == 0:
		if decodes > 0 {
			p.of(decodes).add(t)
		}
	case decodes == 0:
		p.bound(t / float64(prefills))
	default:
		m := p.of(decodes)
		m.age++
		p.last = prefills
		switch {
		case m.took == 0 && p.measured:
			m.least = max(0, t-p.row*float64(prefills))
			return
		case m.took == 0:
			p.bound((t - p.minTime(decodes)) / float64(prefills))
			return
		}
		row := max(0, t-m.took) / float64(prefills)
		if !p.measured {
			p.bound(row)
			p.measured = true
		} else {
			p.row += weight * (row - p.row)
		}
	}
}

// bound takes what a prefill row costs at most.
func (p *pace) bound(row float64) {
	if !p.measured && (p.row == 0 || row < p.row) {
		p.row = max(0, row)
	}
}

// rows is how many prefill rows the next step may have beside decodes, at most
// limit; 0 when the decodes should be measured without prefill first. crowd is how many
// prompts wait for a first token, for each stream of the decodes: with more than one,
// the streams yield to the many in proportion, and nothing is measured meanwhile.
func (p *pace) rows(decodes int, crowd float64, limit int) int {
	if p.maxSlowdown == 0 || decodes == 0 {
		return limit
	}
	m := p.of(decodes)
	took := m.took
	if crowd > 1 {
		took = p.minTime(decodes)
	} else if m.age >= probeEvery {
		took = 0
	}
	if took == 0 {
		return 0
	}
	room := (p.maxSlowdown - 1) * max(1, crowd) * took
	// One step teaches about chunks of its own size: grow in steps.
	n := 2*p.last + blockRows
	if p.row > 0 && !p.measured {
		n = int(room / p.row)
	} else if p.row > 0 {
		n = min(n, int(room/p.row))
	} else if p.last == 0 {
		n = blockRows
	}
	minRows := fewRows
	if decodes < fewDecodes {
		minRows = blockRows
	}
	return min(limit, max(minRows, n))
}

// resumed is how many prefill rows of answers that other routers began the next step may
// have beside decodes, at most limit. It neither grows in steps nor waits for a new
// measurement of the decodes: small chunks cost more by row than large ones, and fewer
// decodes take no longer than more.
func (p *pace) resumed(decodes, limit int) int {
	if p.maxSlowdown == 0 || decodes == 0 {
		return limit
	}
	took := p.minTime(decodes)
	if took == 0 {
		return min(limit, blockRows)
	}
	row := p.row
	if row == 0 {
		row = took / float64(decodes)
	}
	room := (max(p.maxSlowdown, resumeSlowdown) - 1) * took
	return min(limit, max(blockRows, int(room/row)))
}
