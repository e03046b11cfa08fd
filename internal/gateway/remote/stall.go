package remote

import "time"

// Stall is the pause of an answer that has moved, from its last token to its next, by
// what the answer waited for.
type Stall struct {
	Noticing time.Duration // until the call to a router had failed
	Waiting  time.Duration // for a router that takes it
	Asking   time.Duration // until the router had taken the request
	Drawing  time.Duration // for the router's first token, its prefill
}

// Total is the whole pause.
func (s Stall) Total() time.Duration { return s.Noticing + s.Waiting + s.Asking + s.Drawing }

// pause measures the pauses of an answer.
type pause struct {
	mark  time.Time // of the last token, or of what came after it
	moved bool      // since the last token
	stall Stall
}

// begin notes that a call has failed.
func (p *pause) begin() {
	p.moved = true
	p.lap(&p.stall.Noticing)
}

// lap adds the time since the mark to a part of the pause.
func (p *pause) lap(part *time.Duration) {
	if !p.moved {
		return
	}
	now := time.Now()
	*part += now.Sub(p.mark)
	p.mark = now
}

// over notes a token, and returns the pause that it ends if the answer has moved.
func (p *pause) over() (s Stall, moved bool) {
	p.lap(&p.stall.Drawing)
	s, moved = p.stall, p.moved
	*p = pause{mark: time.Now()}
	return s, moved
}
