package poll

// Patience says whether the next wait is to look before it parks. The zero value
// looks.
//
// It adapts: a look that found something in time was worth it, and the next wait
// looks again. One in vain, because the wait is longer than the limit or because
// another process had the core meanwhile, keeps the next waits from it: 1, 3, 7
// and so on to 63.
type Patience struct {
	misses int // in a row
	skip   int // waits that park at once
}

// maxMisses bounds the share of spins in vain to one of 64 waits.
const maxMisses = 6

// Try reports whether a wait is to look; Learn takes the end of that look.
func (p *Patience) Try() bool {
	if p.skip == 0 {
		return true
	}
	p.skip--
	return false
}

// Learn takes the end of a look.
func (p *Patience) Learn(found bool) {
	if found {
		p.misses = 0
		return
	}
	p.misses = min(p.misses+1, maxMisses)
	p.skip = 1<<p.misses - 1
}
