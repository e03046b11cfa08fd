package share

import (
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cputime"
)

// minStay is how long a thread that computes stays on a core, at least and on average.
const minStay = 50 * time.Microsecond

// Demand is how many threads ran, and how many were ready without a core, on average.
type Demand struct {
	Running float64 `json:"running"`
	Waiting float64 `json:"waiting"`
}

// Over is the oversubscription of cores: threads that want one, for each.
func (d Demand) Over(cores int) float64 { return (d.Running + d.Waiting) / float64(cores) }

// thread names one of a machine.
type thread struct{ process, id int }

// sample is what every thread had at a time.
type sample struct {
	at  time.Time
	use map[thread]cputime.Use
}

// demand sums up the intervals between samples.
type demand struct {
	took           time.Duration
	all, computing cputime.Use
}

// add counts an interval. A thread that is new has begun in it, and one that has ended is
// not counted.
func (d *demand) add(before, after sample) {
	d.took += after.at.Sub(before.at)
	for t, now := range after.use {
		u := now.Minus(before.use[t])
		d.all = plus(d.all, u)
		if u.Stays > 0 && u.Ran/time.Duration(u.Stays) >= minStay || u.Stays == 0 && u.Ran > 0 {
			d.computing = plus(d.computing, u)
		}
	}
}

func plus(a, b cputime.Use) cputime.Use {
	return cputime.Use{Ran: a.Ran + b.Ran, Waited: a.Waited + b.Waited, Stays: a.Stays + b.Stays}
}

// over is the average of a use.
func (d *demand) over(u cputime.Use) Demand {
	return Demand{float64(u.Ran) / float64(d.took), float64(u.Waited) / float64(d.took)}
}
