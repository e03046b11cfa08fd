package cpu

import "time"

// patience decides how long a worker looks for the next loop before it parks.
// To look costs the core, and to park costs the time until a halted core is
// awake again, so looking pays where the next loop comes soon: within a step.
//
// It adapts: a look that found a loop was worth it. One in vain keeps the next
// waits from looking: 1, 3, 7 and so on to 63.
type patience struct {
	limit  time.Duration // 0 never looks
	misses int           // in a row
	skip   int           // waits that park at once
}

// mostMisses bounds the share of looks in vain to one of 64 waits.
const mostMisses = 6

// next is how long the next wait looks.
func (p *patience) next() time.Duration {
	if p.limit == 0 || p.skip > 0 {
		p.skip = max(0, p.skip-1)
		return 0
	}
	return p.limit
}

// learn takes the end of a look.
func (p *patience) learn(found bool) {
	if found {
		p.misses = 0
		return
	}
	p.misses = min(p.misses+1, mostMisses)
	p.skip = 1<<p.misses - 1
}
