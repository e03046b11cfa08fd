package completion

import "time"

// Observer receives the times of each answer, for metrics. Functions may be nil
// and are called from any goroutine. Several answers to one prompt do not mix.
type Observer struct {
	FirstToken func(time.Duration) // from the request's arrival
	NextToken  func(time.Duration) // from the token before
}

// Pace measures the times of one answer.
type Pace struct {
	Observe Observer
	Arrived time.Time // of the request
	last    time.Time // of the last token
}

// Drew reports n tokens that came together: the time since the last is shared.
func (p *Pace) Drew(n int) {
	if n == 0 {
		return
	}
	now := time.Now()
	if p.last.IsZero() {
		n--
		if p.Observe.FirstToken != nil {
			p.Observe.FirstToken(now.Sub(p.Arrived))
		}
		p.last = now
	}
	for range n {
		if p.Observe.NextToken != nil {
			p.Observe.NextToken(now.Sub(p.last) / time.Duration(n))
		}
	}
	p.last = now
}
